-- What edges are to do with what they keep: forget it, or get it beforehand. A row is made in the transaction that makes it necessary,
-- or by a customer, who is told its `id`. It has its place in the order (`seq`) given afterwards, when it can be seen, so that nobody who
-- has read up to a number has missed one below it. `kind`: file, directory, regex, preload. `state`: refreshing, complete, failed.
CREATE TABLE cache_task (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    seq BIGINT UNIQUE,
    id TEXT COLLATE "C" UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    object_path TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    percent BIGINT NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    created BIGINT
);
CREATE INDEX cache_task_new ON cache_task (number) WHERE seq IS NULL;
CREATE INDEX cache_task_created ON cache_task (created);

-- One row: the last number, and the last that was removed.
CREATE TABLE cache_feed (
    one BIGINT PRIMARY KEY,
    last BIGINT NOT NULL,
    forgotten BIGINT NOT NULL
);
INSERT INTO cache_feed (one, last, forgotten) VALUES (1, 0, 0);

-- The edges, and up to which task each has carried them out.
CREATE TABLE cache_edge (
    name TEXT COLLATE "C" PRIMARY KEY,
    applied BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

-- How a preload ended at an edge.
CREATE TABLE cache_report (
    seq BIGINT NOT NULL,
    edge TEXT COLLATE "C" NOT NULL,
    error TEXT COLLATE "C",
    PRIMARY KEY (seq, edge)
);

-- What may not be seen any more is forgotten by the edges, whoever writes so. Where there are no edges, nothing is to be done.
CREATE FUNCTION purge_asset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cache_task (kind, domain, path, object_path, state, percent, note)
    SELECT 'directory', '', '/v/' || (to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END) ->> TG_ARGV[0]) || '/', '', 'refreshing', 0, ''
    WHERE EXISTS (SELECT 1 FROM cache_edge);
    RETURN NULL;
END
$$;

CREATE TRIGGER asset_hidden_purge AFTER UPDATE OF status ON asset
    FOR EACH ROW WHEN (NEW.status <> OLD.status AND NEW.status IN ('Blocked', 'Deleted')) EXECUTE FUNCTION purge_asset('id');
CREATE TRIGGER asset_delete_purge AFTER DELETE ON asset
    FOR EACH ROW EXECUTE FUNCTION purge_asset('id');
CREATE TRIGGER output_gone_purge AFTER UPDATE OF state ON output
    FOR EACH ROW WHEN (OLD.state = 'done' AND NEW.state <> 'done') EXECUTE FUNCTION purge_asset('asset');
CREATE TRIGGER picture_set_delete_purge AFTER DELETE ON picture_set
    FOR EACH ROW EXECUTE FUNCTION purge_asset('asset');
