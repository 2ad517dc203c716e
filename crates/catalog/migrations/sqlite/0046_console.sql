-- Who may use the web console. `password` is an Argon2id hash, sealed.
CREATE TABLE console_user (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    role TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    signed_in INTEGER
) STRICT;

CREATE TRIGGER console_user_insert_stale AFTER INSERT ON console_user BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

-- Not of `signed_in`: it says nothing that has to survive.
CREATE TRIGGER console_user_update_stale AFTER UPDATE OF password, role ON console_user BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER console_user_delete_stale AFTER DELETE ON console_user BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

-- Who is signed in. `token` is the SHA-256 of what the browser has.
CREATE TABLE console_session (
    token TEXT PRIMARY KEY,
    user_name TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX console_session_user ON console_session (user_name, created);
CREATE INDEX console_session_expires ON console_session (expires);
