-- What is asked of assets beside their texts, by the number that they have in the index of texts, and so in the order in which that finds
-- them: a row of `asset` lies elsewhere for each, and is long. Assets that are deleted are not here. `recording` is 1 or NULL.
CREATE TABLE asset_doc (
    doc INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    recording INTEGER,
    category INTEGER,
    duration_ticks INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

INSERT INTO asset_doc (doc, id, status, recording, category, duration_ticks, size_bytes, created, modified)
SELECT asset_text_content.id, asset.id, status, recording IS NOT NULL OR NULL, category, duration_ticks, size_bytes, created, modified
FROM asset_text_content CROSS JOIN asset ON asset.id = c0
ORDER BY asset_text_content.id;

DROP TRIGGER asset_insert_text;
DROP TRIGGER asset_delete_text;
DROP TRIGGER asset_update_text;

CREATE TRIGGER asset_insert_text AFTER INSERT ON asset WHEN NEW.deleted IS NULL BEGIN
    INSERT INTO asset_doc (doc, id, status, recording, category, duration_ticks, size_bytes, created, modified)
    SELECT COALESCE(
            (SELECT MAX(doc) + 1 FROM asset_doc WHERE doc >= NEW.created << 20 AND doc < (NEW.created + 1) << 20),
            NEW.created << 20),
        NEW.id, NEW.status, NEW.recording IS NOT NULL OR NULL, NEW.category, NEW.duration_ticks, NEW.size_bytes,
        NEW.created, NEW.modified;
    INSERT INTO asset_text (rowid, asset, title, tags, description)
    SELECT doc, id, NEW.title || char(31, 31), NEW.tags || char(31, 31), NEW.description || char(31, 31)
    FROM asset_doc WHERE doc >= NEW.created << 20 AND doc < (NEW.created + 1) << 20 AND id = NEW.id;
END;

CREATE TRIGGER asset_delete_text AFTER DELETE ON asset WHEN OLD.deleted IS NULL BEGIN
    DELETE FROM asset_text WHERE rowid = (
        SELECT doc FROM asset_doc WHERE doc >= OLD.created << 20 AND doc < (OLD.created + 1) << 20 AND id = OLD.id);
    DELETE FROM asset_doc WHERE doc >= OLD.created << 20 AND doc < (OLD.created + 1) << 20 AND id = OLD.id;
END;

CREATE TRIGGER asset_update_text AFTER UPDATE OF title, tags, description, created, deleted ON asset
WHEN (OLD.title, OLD.tags, OLD.description, OLD.created, OLD.deleted IS NULL)
    <> (NEW.title, NEW.tags, NEW.description, NEW.created, NEW.deleted IS NULL) BEGIN
    DELETE FROM asset_text WHERE OLD.deleted IS NULL AND rowid = (
        SELECT doc FROM asset_doc WHERE doc >= OLD.created << 20 AND doc < (OLD.created + 1) << 20 AND id = OLD.id);
    DELETE FROM asset_doc
    WHERE OLD.deleted IS NULL AND doc >= OLD.created << 20 AND doc < (OLD.created + 1) << 20 AND id = OLD.id;
    INSERT INTO asset_doc (doc, id, status, recording, category, duration_ticks, size_bytes, created, modified)
    SELECT COALESCE(
            (SELECT MAX(doc) + 1 FROM asset_doc WHERE doc >= NEW.created << 20 AND doc < (NEW.created + 1) << 20),
            NEW.created << 20),
        NEW.id, NEW.status, NEW.recording IS NOT NULL OR NULL, NEW.category, NEW.duration_ticks, NEW.size_bytes,
        NEW.created, NEW.modified
    WHERE NEW.deleted IS NULL;
    INSERT INTO asset_text (rowid, asset, title, tags, description)
    SELECT doc, id, NEW.title || char(31, 31), NEW.tags || char(31, 31), NEW.description || char(31, 31)
    FROM asset_doc
    WHERE NEW.deleted IS NULL AND doc >= NEW.created << 20 AND doc < (NEW.created + 1) << 20 AND id = NEW.id;
END;

CREATE TRIGGER asset_update_doc AFTER UPDATE OF status, recording, category, duration_ticks, size_bytes, modified ON asset
WHEN NEW.deleted IS NULL AND (OLD.status, OLD.recording IS NULL, OLD.category, OLD.duration_ticks, OLD.size_bytes, OLD.modified)
    IS NOT (NEW.status, NEW.recording IS NULL, NEW.category, NEW.duration_ticks, NEW.size_bytes, NEW.modified) BEGIN
    UPDATE asset_doc
    SET (status, recording, category, duration_ticks, size_bytes, modified) =
        (NEW.status, NEW.recording IS NOT NULL OR NULL, NEW.category, NEW.duration_ticks, NEW.size_bytes, NEW.modified)
    WHERE doc >= NEW.created << 20 AND doc < (NEW.created + 1) << 20 AND id = NEW.id;
END;
