-- What assets are encoded to. A rendition is a reel that follows from another one: the same stretch of the timeline, encoded
-- in one way. It is named by both, so the same is never made twice. `digest` names the way.
CREATE TABLE rendition (
    reel TEXT COLLATE "C" PRIMARY KEY,
    source_reel TEXT COLLATE "C" NOT NULL,
    from_ticks BIGINT NOT NULL,
    to_ticks BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    encoding TEXT COLLATE "C" NOT NULL,
    run TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    error TEXT COLLATE "C",
    created BIGINT NOT NULL,
    finished BIGINT
);
CREATE UNIQUE INDEX rendition_of ON rendition (source_reel, digest, from_ticks, to_ticks);
CREATE INDEX rendition_run ON rendition (run);

-- Work on the renditions of one stretch that are made together, from one decode. `done` counts chunks.
CREATE TABLE encode_run (
    id TEXT COLLATE "C" PRIMARY KEY,
    source_reel TEXT COLLATE "C" NOT NULL,
    from_ticks BIGINT NOT NULL,
    to_ticks BIGINT NOT NULL,
    chunks BIGINT NOT NULL,
    done BIGINT NOT NULL DEFAULT 0,
    state TEXT COLLATE "C" NOT NULL,
    priority BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX encode_run_open ON encode_run (id) WHERE state = 'encoding';

-- One template group on one asset.
CREATE TABLE transcode_task (
    id TEXT COLLATE "C" PRIMARY KEY,
    asset TEXT COLLATE "C" NOT NULL,
    template_group TEXT COLLATE "C" NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    priority BIGINT NOT NULL,
    user_data TEXT COLLATE "C" NOT NULL DEFAULT '',
    created BIGINT NOT NULL,
    completed BIGINT
);
CREATE INDEX transcode_task_asset ON transcode_task (asset, created);

-- One template of it. `error` without an end: it cannot be made. What it is made of is in `output_span`.
CREATE TABLE output (
    id TEXT COLLATE "C" PRIMARY KEY,
    task TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    template TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    error TEXT COLLATE "C",
    facts TEXT COLLATE "C",
    created BIGINT NOT NULL,
    completed BIGINT
);
CREATE INDEX output_task ON output (task, position);
CREATE INDEX output_asset ON output (asset, created);

CREATE TABLE output_span (
    output TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    reel TEXT COLLATE "C" NOT NULL,
    from_ticks BIGINT NOT NULL,
    to_ticks BIGINT NOT NULL,
    PRIMARY KEY (output, position)
);
CREATE INDEX output_span_reel ON output_span (reel);
CREATE INDEX output_span_asset ON output_span (asset);

CREATE TRIGGER rendition_stale AFTER INSERT OR UPDATE OR DELETE ON rendition
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('reel', 'reel');

CREATE TRIGGER transcode_task_stale AFTER INSERT OR UPDATE OR DELETE ON transcode_task
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');

CREATE TRIGGER output_stale AFTER INSERT OR UPDATE OR DELETE ON output
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');

CREATE TRIGGER output_span_stale AFTER INSERT OR UPDATE OR DELETE ON output_span
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');
