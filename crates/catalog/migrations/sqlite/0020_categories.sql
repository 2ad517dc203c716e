-- Categories, which videos are sorted into: a forest of at most three levels. Ids are given once, so that a video never gets into a
-- category that was made later.
CREATE TABLE category (
    id INTEGER PRIMARY KEY,
    parent INTEGER,
    level INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX category_parent ON category (parent, created, id);

CREATE TRIGGER category_insert_stale AFTER INSERT ON category BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER category_update_stale AFTER UPDATE ON category BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER category_delete_stale AFTER DELETE ON category BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;
