-- Finding assets among a million. Indexes take longer to be made there than a statement may usually run.
SET LOCAL statement_timeout = 0;

-- The texts of assets that are not deleted, by every three characters in a row. Where the extension cannot be had, all texts are read for
-- each search, and what is found is the same.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX asset_title_text ON asset USING gin (title gin_trgm_ops) WHERE deleted IS NULL;
    CREATE INDEX asset_tags_text ON asset USING gin (tags gin_trgm_ops) WHERE deleted IS NULL;
    CREATE INDEX asset_description_text ON asset USING gin (description gin_trgm_ops) WHERE deleted IS NULL;
EXCEPTION WHEN insufficient_privilege OR undefined_file OR undefined_object OR feature_not_supported THEN
    RAISE WARNING 'texts are searched for without an index: %', SQLERRM;
END
$$;

-- Each of these has the columns that lists are sorted by, so that few rows are read to find those of a page.
DROP INDEX asset_created;
CREATE INDEX asset_created ON asset (created, id, modified) WHERE deleted IS NULL;
DROP INDEX asset_modified;
CREATE INDEX asset_modified ON asset (modified, id, created) WHERE deleted IS NULL;
CREATE INDEX asset_size ON asset (size_bytes, created, id) WHERE deleted IS NULL;
CREATE INDEX asset_duration ON asset (duration_ticks, created, id) WHERE deleted IS NULL;
CREATE INDEX asset_not_recorded ON asset (created, id) WHERE deleted IS NULL AND recording IS NULL;
