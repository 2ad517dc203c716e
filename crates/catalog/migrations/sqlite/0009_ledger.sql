-- The ledger of what customers are told. `number` counts the events of an asset from 1, without a hole (NULL only for a moment,
-- while one is restored that an older version described); `kind` is the word for what happened; `user_data` is what the
-- customer wants with it; `sent` is its body as it was first sent: repeats are the same text.
ALTER TABLE event ADD COLUMN number INTEGER;
ALTER TABLE event ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN user_data TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN sent TEXT;
UPDATE event SET kind = json_extract(body, '$.kind'),
    number = (SELECT COUNT(*) FROM event e WHERE e.asset = event.asset AND e.seq <= event.seq);
CREATE UNIQUE INDEX event_number ON event (asset, number);
CREATE INDEX event_at ON event (at, id);
CREATE INDEX event_kind ON event (kind, at, id);

-- The number of the last event of an asset. Whoever tells one holds this row.
CREATE TABLE event_count (
    asset TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;

DROP TRIGGER event_update_stale;
CREATE TRIGGER event_update_stale AFTER UPDATE ON event BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

-- How many of the first waits of a job are equal, before they grow.
ALTER TABLE job ADD COLUMN backoff_even INTEGER NOT NULL DEFAULT 0;

-- Of a request that told of a stream: which, of what, and a bounded copy of what was said.
ALTER TABLE delivery ADD COLUMN topic TEXT;
ALTER TABLE delivery ADD COLUMN domain TEXT;
ALTER TABLE delivery ADD COLUMN push_domain TEXT;
ALTER TABLE delivery ADD COLUMN app TEXT;
ALTER TABLE delivery ADD COLUMN stream TEXT;
ALTER TABLE delivery ADD COLUMN content TEXT;
ALTER TABLE delivery ADD COLUMN headers TEXT;
ALTER TABLE delivery ADD COLUMN response TEXT;
CREATE INDEX delivery_stream ON delivery (domain, at) WHERE domain IS NOT NULL;
CREATE INDEX delivery_push ON delivery (push_domain, at) WHERE push_domain IS NOT NULL;
CREATE INDEX delivery_at ON delivery (at);
