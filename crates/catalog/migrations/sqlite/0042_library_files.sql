-- Files that are kept as they were sent: pictures, and what is attached to media. `kind`: image, attached; `purpose` is what its customer
-- says that it is for; `status`: Uploading, Normal, Deleted. The columns that a video has, too, are called as there.
CREATE TABLE library_file (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    purpose TEXT NOT NULL,
    status TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    category INTEGER,
    tags TEXT NOT NULL,
    user_data TEXT NOT NULL,
    file_name TEXT NOT NULL,
    extension TEXT NOT NULL,
    size_bytes INTEGER NOT NULL DEFAULT 0,
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    digest TEXT,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    deleted INTEGER
) STRICT;
CREATE INDEX library_file_created ON library_file (kind, created, id) WHERE deleted IS NULL;
CREATE INDEX library_file_deleted ON library_file (deleted) WHERE deleted IS NOT NULL;

CREATE TRIGGER library_file_insert_stale AFTER INSERT ON library_file BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.id;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.id);
END;

CREATE TRIGGER library_file_update_stale AFTER UPDATE ON library_file BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.id;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.id);
END;

CREATE TRIGGER library_file_delete_stale AFTER DELETE ON library_file BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.id;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.id);
END;
