-- What was played and sent in an hour. `media` is the id of a video, or `app/stream`; `domain` is empty for the server's own name.
CREATE TABLE played (
    hour INTEGER NOT NULL,
    domain TEXT NOT NULL,
    media TEXT NOT NULL,
    plays INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (hour, domain, media)
) STRICT;
CREATE INDEX played_media ON played (media, hour);

-- Playlists over what was recorded of a stream between two times. What one shows is in `span`, under its id: it has no media of its own, and
-- what it shows is kept.
CREATE TABLE record_index (
    id TEXT PRIMARY KEY,
    domain TEXT NOT NULL,
    app TEXT NOT NULL,
    stream TEXT NOT NULL,
    bucket TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    object TEXT NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    duration_ticks INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX record_index_path ON record_index (domain, app, stream, began, id);

CREATE TRIGGER record_index_insert_stale AFTER INSERT ON record_index BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.id;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.id);
END;

CREATE TRIGGER record_index_update_stale AFTER UPDATE ON record_index BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.id;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.id);
END;

CREATE TRIGGER record_index_delete_stale AFTER DELETE ON record_index BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.id;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.id);
END;

-- Who was kept from publishing, and who was let again.
CREATE TABLE stream_control (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    domain TEXT NOT NULL,
    stream TEXT NOT NULL,
    app TEXT NOT NULL,
    action TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX stream_control_at ON stream_control (domain, at);
