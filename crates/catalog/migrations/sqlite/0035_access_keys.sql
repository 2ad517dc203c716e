-- Keys with which requests are signed, beside the root key of the configuration. `secret` is sealed.
CREATE TABLE access_key (
    id TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    active INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    last_used INTEGER
) STRICT;
CREATE INDEX access_key_created ON access_key (created, id);

CREATE TRIGGER access_key_insert_stale AFTER INSERT ON access_key BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

-- Not of `last_used`: it changes all the time.
CREATE TRIGGER access_key_update_stale AFTER UPDATE OF secret, role, name, active ON access_key BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER access_key_delete_stale AFTER DELETE ON access_key BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;
