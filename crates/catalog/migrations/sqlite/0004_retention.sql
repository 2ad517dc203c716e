-- How long, and how much of it, the videos of a record rule are kept; a rule without a row keeps all.
CREATE TABLE retention (
    domain TEXT NOT NULL,
    app TEXT NOT NULL,
    stream TEXT NOT NULL,
    days INTEGER,
    quota_bytes INTEGER,
    PRIMARY KEY (domain, app, stream)
) STRICT;

CREATE TRIGGER record_notify_insert_stale AFTER INSERT ON record_notify BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER record_notify_update_stale AFTER UPDATE ON record_notify BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER record_notify_delete_stale AFTER DELETE ON record_notify BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER retention_insert_stale AFTER INSERT ON retention BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER retention_update_stale AFTER UPDATE ON retention BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER retention_delete_stale AFTER DELETE ON retention BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

-- Described since it is kept in tables of its own.
DELETE FROM stale WHERE kind = 'catalog';
INSERT INTO stale (kind, id) VALUES ('catalog', '');
