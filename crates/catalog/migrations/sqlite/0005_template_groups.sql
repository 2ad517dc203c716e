-- Template groups. Their templates are an array of objects; there are at most 20 in a group.
CREATE TABLE template_group (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    app TEXT NOT NULL,
    locked INTEGER NOT NULL,
    templates TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

-- Which group is the default one: at most one row. It may be one of those that exist without a row.
CREATE TABLE template_default (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    template_group TEXT NOT NULL
) STRICT;

CREATE TRIGGER template_group_insert_stale AFTER INSERT ON template_group BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER template_group_update_stale AFTER UPDATE ON template_group BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER template_group_delete_stale AFTER DELETE ON template_group BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER template_default_insert_stale AFTER INSERT ON template_default BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER template_default_update_stale AFTER UPDATE ON template_default BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER template_default_delete_stale AFTER DELETE ON template_default BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;
