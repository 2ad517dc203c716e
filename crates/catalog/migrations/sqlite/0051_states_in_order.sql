-- A list of several states, in the order of creation, passes by those of others without reading their rows.
-- (PostgreSQL takes such a list from its index of states.)
DROP INDEX asset_created;
CREATE INDEX asset_created ON asset (created, id, modified, status) WHERE deleted IS NULL;
-- Of two indexes that promise as much SQLite takes the one that was made last: this has fewer rows.
DROP INDEX asset_not_recorded;
CREATE INDEX asset_not_recorded ON asset (created, id) WHERE deleted IS NULL AND recording IS NULL;
