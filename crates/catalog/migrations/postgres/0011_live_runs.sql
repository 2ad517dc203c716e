-- Work on a cycle that still grows. `asset` is the one that the cycle becomes, `facts` what was known of the source when it began:
-- what is encoded follows from them to the end. While a run is not whole, more chunks come.
ALTER TABLE encode_run ADD COLUMN asset TEXT COLLATE "C";
ALTER TABLE encode_run ADD COLUMN facts TEXT COLLATE "C";
ALTER TABLE encode_run ADD COLUMN whole BIGINT NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX encode_run_asset ON encode_run (asset) WHERE asset IS NOT NULL;
CREATE INDEX encode_run_growing ON encode_run (id) WHERE whole = 0;
