-- Finding assets among a million.
--
-- The texts of assets that are not deleted, by every three characters in a row. `rowid` is the time of creation (Unix milliseconds) times
-- 2^20, and a number among those of that millisecond: so what is found comes in the order of creation. Each text ends with two
-- characters 31, so that also its last character, and its last two, begin three in a row.
CREATE VIRTUAL TABLE asset_text USING fts5(
    asset UNINDEXED, title, tags, description, tokenize = 'trigram', columnsize = 0
);
-- What stands where in it.
CREATE VIRTUAL TABLE asset_text_terms USING fts5vocab(asset_text, 'instance');

INSERT INTO asset_text (rowid, asset, title, tags, description)
SELECT (created << 20) + ROW_NUMBER() OVER (PARTITION BY created ORDER BY id) - 1,
    id, title || char(31, 31), tags || char(31, 31), description || char(31, 31)
FROM asset WHERE deleted IS NULL ORDER BY created, id;

CREATE TRIGGER asset_insert_text AFTER INSERT ON asset WHEN NEW.deleted IS NULL BEGIN
    INSERT INTO asset_text (rowid, asset, title, tags, description)
    SELECT COALESCE(
            (SELECT rowid FROM asset_text WHERE rowid >= NEW.created << 20 AND rowid < (NEW.created + 1) << 20
             ORDER BY rowid DESC LIMIT 1) + 1,
            NEW.created << 20),
        NEW.id, NEW.title || char(31, 31), NEW.tags || char(31, 31), NEW.description || char(31, 31);
END;

CREATE TRIGGER asset_delete_text AFTER DELETE ON asset WHEN OLD.deleted IS NULL BEGIN
    DELETE FROM asset_text
    WHERE rowid >= OLD.created << 20 AND rowid < (OLD.created + 1) << 20 AND asset = OLD.id;
END;

CREATE TRIGGER asset_update_text AFTER UPDATE OF title, tags, description, created, deleted ON asset
WHEN (OLD.title, OLD.tags, OLD.description, OLD.created, OLD.deleted IS NULL)
    <> (NEW.title, NEW.tags, NEW.description, NEW.created, NEW.deleted IS NULL) BEGIN
    DELETE FROM asset_text
    WHERE OLD.deleted IS NULL
        AND rowid >= OLD.created << 20 AND rowid < (OLD.created + 1) << 20 AND asset = OLD.id;
    INSERT INTO asset_text (rowid, asset, title, tags, description)
    SELECT COALESCE(
            (SELECT rowid FROM asset_text WHERE rowid >= NEW.created << 20 AND rowid < (NEW.created + 1) << 20
             ORDER BY rowid DESC LIMIT 1) + 1,
            NEW.created << 20),
        NEW.id, NEW.title || char(31, 31), NEW.tags || char(31, 31), NEW.description || char(31, 31)
    WHERE NEW.deleted IS NULL;
END;

-- Each of these has the columns that lists are sorted by, so that few rows are read to find those of a page.
DROP INDEX asset_created;
CREATE INDEX asset_created ON asset (created, id, modified) WHERE deleted IS NULL;
DROP INDEX asset_modified;
CREATE INDEX asset_modified ON asset (modified, id, created) WHERE deleted IS NULL;
CREATE INDEX asset_size ON asset (size_bytes, created, id) WHERE deleted IS NULL;
CREATE INDEX asset_duration ON asset (duration_ticks, created, id) WHERE deleted IS NULL;
CREATE INDEX asset_not_recorded ON asset (created, id) WHERE deleted IS NULL AND recording IS NULL;
