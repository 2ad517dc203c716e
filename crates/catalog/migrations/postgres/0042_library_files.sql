-- Files that are kept as they were sent: pictures, and what is attached to media. `kind`: image, attached; `purpose` is what its customer
-- says that it is for; `status`: Uploading, Normal, Deleted. The columns that a video has, too, are called as there.
CREATE TABLE library_file (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    category BIGINT,
    tags TEXT COLLATE "C" NOT NULL,
    user_data TEXT COLLATE "C" NOT NULL,
    file_name TEXT COLLATE "C" NOT NULL,
    extension TEXT COLLATE "C" NOT NULL,
    size_bytes BIGINT NOT NULL DEFAULT 0,
    width BIGINT NOT NULL DEFAULT 0,
    height BIGINT NOT NULL DEFAULT 0,
    digest TEXT COLLATE "C",
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    deleted BIGINT
);
CREATE INDEX library_file_created ON library_file (kind, created, id) WHERE deleted IS NULL;
CREATE INDEX library_file_deleted ON library_file (deleted) WHERE deleted IS NOT NULL;

CREATE TRIGGER library_file_stale AFTER INSERT OR UPDATE OR DELETE ON library_file
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'id');
