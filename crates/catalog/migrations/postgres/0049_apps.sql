-- Applications, which templates, watermarks and callbacks are sorted by. Ids are given once.
CREATE TABLE app (
    number BIGINT PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);

CREATE TRIGGER app_stale AFTER INSERT OR UPDATE OR DELETE ON app
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
