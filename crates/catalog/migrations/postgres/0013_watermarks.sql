-- What watermarks are made of is kept as it is carried out, too. The table that 0010 made was never written.
DROP TABLE watermark;
CREATE TABLE watermark (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    file_url TEXT COLLATE "C" NOT NULL,
    wanted TEXT COLLATE "C" NOT NULL,
    asked TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);

CREATE TRIGGER watermark_stale AFTER INSERT OR UPDATE OR DELETE ON watermark
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
