-- Pictures that are made of assets: covers, snapshots, sheets of them, cues, animations.

-- What was wanted of an asset. It comes with the asset (its cover), with a transcode task, or was asked for.
CREATE TABLE picture_job (
    id TEXT COLLATE "C" PRIMARY KEY,
    asset TEXT COLLATE "C" NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    task TEXT COLLATE "C",
    wanted TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    error TEXT COLLATE "C",
    user_data TEXT COLLATE "C" NOT NULL DEFAULT '',
    created BIGINT NOT NULL,
    completed BIGINT
);
CREATE INDEX picture_job_asset ON picture_job (asset, id);
CREATE INDEX picture_job_task ON picture_job (task) WHERE task IS NOT NULL;
CREATE INDEX picture_job_open ON picture_job (id) WHERE state = 'running';

-- What it came to, one row per kind. The pictures are files whose names follow from this.
CREATE TABLE picture_set (
    job TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    format TEXT COLLATE "C" NOT NULL,
    pictures BIGINT NOT NULL,
    chosen BIGINT,
    facts TEXT COLLATE "C",
    made BIGINT NOT NULL,
    PRIMARY KEY (job, kind)
);
CREATE INDEX picture_set_asset ON picture_set (asset, kind, job);

-- What somebody wants again and again.
CREATE TABLE picture_template (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    wanted TEXT COLLATE "C" NOT NULL,
    asked TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL
);

-- The file that stands for an asset until its customer gives it something else; empty while there is none.
ALTER TABLE asset ADD COLUMN taken_cover TEXT COLLATE "C" NOT NULL DEFAULT '';

CREATE TRIGGER picture_job_stale AFTER INSERT OR UPDATE OR DELETE ON picture_job
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');

CREATE TRIGGER picture_set_stale AFTER INSERT OR UPDATE OR DELETE ON picture_set
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');

CREATE TRIGGER picture_template_stale AFTER INSERT OR UPDATE OR DELETE ON picture_template
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();

-- The descriptions of all assets have a column more.
INSERT INTO stale (kind, id) SELECT 'asset', id FROM asset WHERE 1 = 1 ON CONFLICT DO NOTHING;
