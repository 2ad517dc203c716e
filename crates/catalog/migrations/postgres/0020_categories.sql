-- Categories, which videos are sorted into: a forest of at most three levels. Ids are given once, so that a video never gets into a
-- category that was made later.
CREATE TABLE category (
    id BIGINT PRIMARY KEY,
    parent BIGINT,
    level BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX category_parent ON category (parent, created, id);

CREATE TRIGGER category_stale AFTER INSERT OR UPDATE OR DELETE ON category
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
