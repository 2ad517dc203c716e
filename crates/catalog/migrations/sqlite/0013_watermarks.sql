-- What watermarks are made of is kept as it is carried out, too. The table that 0010 made was never written.
DROP TABLE watermark;
CREATE TABLE watermark (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    app TEXT NOT NULL,
    file_url TEXT NOT NULL,
    wanted TEXT NOT NULL,
    asked TEXT NOT NULL,
    created INTEGER NOT NULL
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
