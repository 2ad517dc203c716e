-- Pictures and sound are encoded apart, so that sound is there once, whatever pictures it goes with. NULL: it is in `reel`.
ALTER TABLE output_span ADD COLUMN sound_reel TEXT;
CREATE INDEX output_span_sound ON output_span (sound_reel) WHERE sound_reel IS NOT NULL;

-- What is laid over pictures. `image` is what was taken into the store; a text has none.
CREATE TABLE watermark (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    app TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    file_url TEXT NOT NULL,
    image TEXT,
    created INTEGER NOT NULL
) STRICT;

-- Which is the default one: at most one row.
CREATE TABLE watermark_default (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    watermark TEXT NOT NULL
) STRICT;

CREATE TRIGGER watermark_insert_stale AFTER INSERT ON watermark BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER watermark_update_stale AFTER UPDATE ON watermark BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER watermark_delete_stale AFTER DELETE ON watermark BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER watermark_default_insert_stale AFTER INSERT ON watermark_default BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER watermark_default_update_stale AFTER UPDATE ON watermark_default BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER watermark_default_delete_stale AFTER DELETE ON watermark_default BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;
