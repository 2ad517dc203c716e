-- Files that become videos: what is known of each until its reel is whole, and what became of it. `source` is the URL that the
-- file is pulled from; without one its owner sends it. `session` is the customer's name for a set of
-- pulls, `digest` what the file was told by when it came. `state`: waiting, pending, downloading, stored, done, failed, cancelled.
CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    asset TEXT NOT NULL,
    reel TEXT NOT NULL,
    state TEXT NOT NULL,
    source TEXT,
    session TEXT,
    file_name TEXT NOT NULL,
    size_bytes INTEGER,
    validator TEXT,
    digest TEXT,
    user_data TEXT NOT NULL,
    error_code TEXT,
    error TEXT,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    finished INTEGER
) STRICT;
CREATE UNIQUE INDEX upload_asset ON upload (asset);
CREATE UNIQUE INDEX upload_reel ON upload (reel);
CREATE INDEX upload_source ON upload (source, created) WHERE source IS NOT NULL;
CREATE INDEX upload_session ON upload (session, created) WHERE session IS NOT NULL;
CREATE INDEX upload_open ON upload (state) WHERE state IN ('pending', 'downloading', 'stored');

CREATE TRIGGER upload_insert_stale AFTER INSERT ON upload BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER upload_update_stale AFTER UPDATE ON upload BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER upload_delete_stale AFTER DELETE ON upload BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;
