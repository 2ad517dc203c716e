-- When the source of an asset was deleted, which its outputs outlive. What it was made of is in `garbage` then. Of an asset that is deleted
-- after its source there are rows of negative position as well: they say how long its outputs are kept, and claim no media themselves.
ALTER TABLE asset ADD COLUMN source_deleted BIGINT;
-- Until when an asset is kept that has a time of its own; NULL: its rule decides.
ALTER TABLE asset ADD COLUMN keep_until BIGINT;
CREATE INDEX asset_keep_until ON asset (keep_until) WHERE keep_until IS NOT NULL AND deleted IS NULL;

-- The descriptions of all assets have two columns more.
INSERT INTO stale (kind, id) SELECT 'asset', id FROM asset WHERE 1 = 1 ON CONFLICT DO NOTHING;
