-- What assets are encoded to. A rendition is a reel that follows from another one: the same stretch of the timeline, encoded
-- in one way. It is named by both, so the same is never made twice. `digest` names the way.
CREATE TABLE rendition (
    reel TEXT PRIMARY KEY,
    source_reel TEXT NOT NULL,
    from_ticks INTEGER NOT NULL,
    to_ticks INTEGER NOT NULL,
    digest TEXT NOT NULL,
    encoding TEXT NOT NULL,
    run TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    created INTEGER NOT NULL,
    finished INTEGER
) STRICT;
CREATE UNIQUE INDEX rendition_of ON rendition (source_reel, digest, from_ticks, to_ticks);
CREATE INDEX rendition_run ON rendition (run);

-- Work on the renditions of one stretch that are made together, from one decode. `done` counts chunks.
CREATE TABLE encode_run (
    id TEXT PRIMARY KEY,
    source_reel TEXT NOT NULL,
    from_ticks INTEGER NOT NULL,
    to_ticks INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX encode_run_open ON encode_run (id) WHERE state = 'encoding';

-- One template group on one asset.
CREATE TABLE transcode_task (
    id TEXT PRIMARY KEY,
    asset TEXT NOT NULL,
    template_group TEXT NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    user_data TEXT NOT NULL DEFAULT '',
    created INTEGER NOT NULL,
    completed INTEGER
) STRICT;
CREATE INDEX transcode_task_asset ON transcode_task (asset, created);

-- One template of it. `error` without an end: it cannot be made. What it is made of is in `output_span`.
CREATE TABLE output (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    position INTEGER NOT NULL,
    asset TEXT NOT NULL,
    template TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    facts TEXT,
    created INTEGER NOT NULL,
    completed INTEGER
) STRICT;
CREATE INDEX output_task ON output (task, position);
CREATE INDEX output_asset ON output (asset, created);

CREATE TABLE output_span (
    output TEXT NOT NULL,
    position INTEGER NOT NULL,
    asset TEXT NOT NULL,
    reel TEXT NOT NULL,
    from_ticks INTEGER NOT NULL,
    to_ticks INTEGER NOT NULL,
    PRIMARY KEY (output, position)
) STRICT;
CREATE INDEX output_span_reel ON output_span (reel);
CREATE INDEX output_span_asset ON output_span (asset);

CREATE TRIGGER rendition_insert_stale AFTER INSERT ON rendition BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = NEW.reel;
    INSERT INTO stale (kind, id) VALUES ('reel', NEW.reel);
END;

CREATE TRIGGER rendition_update_stale AFTER UPDATE ON rendition BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = NEW.reel;
    INSERT INTO stale (kind, id) VALUES ('reel', NEW.reel);
END;

CREATE TRIGGER rendition_delete_stale AFTER DELETE ON rendition BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = OLD.reel;
    INSERT INTO stale (kind, id) VALUES ('reel', OLD.reel);
END;

CREATE TRIGGER transcode_task_insert_stale AFTER INSERT ON transcode_task BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER transcode_task_update_stale AFTER UPDATE ON transcode_task BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER transcode_task_delete_stale AFTER DELETE ON transcode_task BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;

CREATE TRIGGER output_insert_stale AFTER INSERT ON output BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER output_update_stale AFTER UPDATE ON output BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER output_delete_stale AFTER DELETE ON output BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;

CREATE TRIGGER output_span_insert_stale AFTER INSERT ON output_span BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER output_span_update_stale AFTER UPDATE ON output_span BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER output_span_delete_stale AFTER DELETE ON output_span BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;
