-- A list of several states, in the order of creation, passes by those of others without reading their rows.
-- (PostgreSQL takes such a list from its index of states.)
DROP INDEX asset_created;
CREATE INDEX asset_created ON asset (created, id, modified, status) WHERE deleted IS NULL;
