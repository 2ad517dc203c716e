-- Videos are searched for by when they were changed, too.
CREATE INDEX asset_modified ON asset (modified, id) WHERE deleted IS NULL;
