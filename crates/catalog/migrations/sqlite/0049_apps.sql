-- Applications, which templates, watermarks and callbacks are sorted by. Ids are given once.
CREATE TABLE app (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TRIGGER app_insert_stale AFTER INSERT ON app BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;
