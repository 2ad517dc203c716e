-- Files that become videos: what is known of each until its reel is whole, and what became of it. `source` is the URL that the
-- file is pulled from; without one its owner sends it. `session` is the customer's name for a set of
-- pulls, `digest` what the file was told by when it came. `state`: waiting, pending, downloading, stored, done, failed, cancelled.
CREATE TABLE upload (
    id TEXT COLLATE "C" PRIMARY KEY,
    asset TEXT COLLATE "C" NOT NULL,
    reel TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C",
    session TEXT COLLATE "C",
    file_name TEXT COLLATE "C" NOT NULL,
    size_bytes BIGINT,
    validator TEXT COLLATE "C",
    digest TEXT COLLATE "C",
    user_data TEXT COLLATE "C" NOT NULL,
    error_code TEXT COLLATE "C",
    error TEXT COLLATE "C",
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    finished BIGINT
);
CREATE UNIQUE INDEX upload_asset ON upload (asset);
CREATE UNIQUE INDEX upload_reel ON upload (reel);
CREATE INDEX upload_source ON upload (source, created) WHERE source IS NOT NULL;
CREATE INDEX upload_session ON upload (session, created) WHERE session IS NOT NULL;
CREATE INDEX upload_open ON upload (state) WHERE state IN ('pending', 'downloading', 'stored');

CREATE TRIGGER upload_stale AFTER INSERT OR UPDATE OR DELETE ON upload
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');
