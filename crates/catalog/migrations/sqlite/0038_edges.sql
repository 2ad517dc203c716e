-- What edges are to do with what they keep: forget it, or get it beforehand. A row is made in the transaction that makes it necessary,
-- or by a customer, who is told its `id`. It has its place in the order (`seq`) given afterwards, when it can be seen, so that nobody who
-- has read up to a number has missed one below it. `kind`: file, directory, regex, preload. `state`: refreshing, complete, failed.
CREATE TABLE cache_task (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER UNIQUE,
    id TEXT UNIQUE,
    kind TEXT NOT NULL,
    domain TEXT NOT NULL,
    path TEXT NOT NULL,
    object_path TEXT NOT NULL,
    state TEXT NOT NULL,
    percent INTEGER NOT NULL,
    note TEXT NOT NULL,
    created INTEGER
) STRICT;
CREATE INDEX cache_task_new ON cache_task (number) WHERE seq IS NULL;
CREATE INDEX cache_task_created ON cache_task (created);

-- One row: the last number, and the last that was removed.
CREATE TABLE cache_feed (
    one INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    forgotten INTEGER NOT NULL
) STRICT;
INSERT INTO cache_feed (one, last, forgotten) VALUES (1, 0, 0);

-- The edges, and up to which task each has carried them out.
CREATE TABLE cache_edge (
    name TEXT PRIMARY KEY,
    applied INTEGER NOT NULL,
    seen INTEGER NOT NULL
) STRICT;

-- How a preload ended at an edge.
CREATE TABLE cache_report (
    seq INTEGER NOT NULL,
    edge TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (seq, edge)
) STRICT;

-- What may not be seen any more is forgotten by the edges, whoever writes so. Where there are no edges, nothing is to be done.
CREATE TRIGGER asset_hidden_purge AFTER UPDATE OF status ON asset
WHEN NEW.status <> OLD.status AND NEW.status IN ('Blocked', 'Deleted') AND EXISTS (SELECT 1 FROM cache_edge) BEGIN
    INSERT INTO cache_task (kind, domain, path, object_path, state, percent, note)
    VALUES ('directory', '', '/v/' || NEW.id || '/', '', 'refreshing', 0, '');
END;

CREATE TRIGGER asset_delete_purge AFTER DELETE ON asset
WHEN EXISTS (SELECT 1 FROM cache_edge) BEGIN
    INSERT INTO cache_task (kind, domain, path, object_path, state, percent, note)
    VALUES ('directory', '', '/v/' || OLD.id || '/', '', 'refreshing', 0, '');
END;

CREATE TRIGGER output_gone_purge AFTER UPDATE OF state ON output
WHEN OLD.state = 'done' AND NEW.state <> 'done' AND EXISTS (SELECT 1 FROM cache_edge) BEGIN
    INSERT INTO cache_task (kind, domain, path, object_path, state, percent, note)
    VALUES ('directory', '', '/v/' || NEW.asset || '/', '', 'refreshing', 0, '');
END;

CREATE TRIGGER picture_set_delete_purge AFTER DELETE ON picture_set
WHEN EXISTS (SELECT 1 FROM cache_edge) BEGIN
    INSERT INTO cache_task (kind, domain, path, object_path, state, percent, note)
    VALUES ('directory', '', '/v/' || OLD.asset || '/', '', 'refreshing', 0, '');
END;
