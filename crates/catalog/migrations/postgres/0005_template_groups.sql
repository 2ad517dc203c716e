-- Template groups. Their templates are an array of objects; there are at most 20 in a group.
CREATE TABLE template_group (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    locked BIGINT NOT NULL,
    templates TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL
);

-- Which group is the default one: at most one row. It may be one of those that exist without a row.
CREATE TABLE template_default (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    template_group TEXT COLLATE "C" NOT NULL
);

CREATE TRIGGER template_group_stale AFTER INSERT OR UPDATE OR DELETE ON template_group
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER template_default_stale AFTER INSERT OR UPDATE OR DELETE ON template_default
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
