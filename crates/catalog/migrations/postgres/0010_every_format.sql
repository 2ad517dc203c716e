-- Pictures and sound are encoded apart, so that sound is there once, whatever pictures it goes with. NULL: it is in `reel`.
ALTER TABLE output_span ADD COLUMN sound_reel TEXT COLLATE "C";
CREATE INDEX output_span_sound ON output_span (sound_reel) WHERE sound_reel IS NOT NULL;

-- What is laid over pictures. `image` is what was taken into the store; a text has none.
CREATE TABLE watermark (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    config TEXT COLLATE "C" NOT NULL,
    file_url TEXT COLLATE "C" NOT NULL,
    image TEXT COLLATE "C",
    created BIGINT NOT NULL
);

-- Which is the default one: at most one row.
CREATE TABLE watermark_default (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    watermark TEXT COLLATE "C" NOT NULL
);

CREATE TRIGGER watermark_stale AFTER INSERT OR UPDATE OR DELETE ON watermark
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER watermark_default_stale AFTER INSERT OR UPDATE OR DELETE ON watermark_default
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
