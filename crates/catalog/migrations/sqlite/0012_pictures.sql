-- Pictures that are made of assets: covers, snapshots, sheets of them, cues, animations.

-- What was wanted of an asset. It comes with the asset (its cover), with a transcode task, or was asked for.
CREATE TABLE picture_job (
    id TEXT PRIMARY KEY,
    asset TEXT NOT NULL,
    cause TEXT NOT NULL,
    task TEXT,
    wanted TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    user_data TEXT NOT NULL DEFAULT '',
    created INTEGER NOT NULL,
    completed INTEGER
) STRICT;
CREATE INDEX picture_job_asset ON picture_job (asset, id);
CREATE INDEX picture_job_task ON picture_job (task) WHERE task IS NOT NULL;
CREATE INDEX picture_job_open ON picture_job (id) WHERE state = 'running';

-- What it came to, one row per kind. The pictures are files whose names follow from this.
CREATE TABLE picture_set (
    job TEXT NOT NULL,
    kind TEXT NOT NULL,
    asset TEXT NOT NULL,
    format TEXT NOT NULL,
    pictures INTEGER NOT NULL,
    chosen INTEGER,
    facts TEXT,
    made INTEGER NOT NULL,
    PRIMARY KEY (job, kind)
) STRICT;
CREATE INDEX picture_set_asset ON picture_set (asset, kind, job);

-- What somebody wants again and again.
CREATE TABLE picture_template (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    app TEXT NOT NULL,
    wanted TEXT NOT NULL,
    asked TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

-- The file that stands for an asset until its customer gives it something else; empty while there is none.
ALTER TABLE asset ADD COLUMN taken_cover TEXT NOT NULL DEFAULT '';

CREATE TRIGGER picture_job_insert_stale AFTER INSERT ON picture_job BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER picture_job_update_stale AFTER UPDATE ON picture_job BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER picture_job_delete_stale AFTER DELETE ON picture_job BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;

CREATE TRIGGER picture_set_insert_stale AFTER INSERT ON picture_set BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER picture_set_update_stale AFTER UPDATE ON picture_set BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER picture_set_delete_stale AFTER DELETE ON picture_set BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;

CREATE TRIGGER picture_template_insert_stale AFTER INSERT ON picture_template BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER picture_template_update_stale AFTER UPDATE ON picture_template BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER picture_template_delete_stale AFTER DELETE ON picture_template BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

-- The descriptions of all assets have a column more.
INSERT INTO stale (kind, id) SELECT 'asset', id FROM asset WHERE 1 = 1 ON CONFLICT DO NOTHING;
