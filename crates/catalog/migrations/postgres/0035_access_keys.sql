-- Keys with which requests are signed, beside the root key of the configuration. `secret` is sealed.
CREATE TABLE access_key (
    id TEXT COLLATE "C" PRIMARY KEY,
    secret TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    active BIGINT NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    last_used BIGINT
);
CREATE INDEX access_key_created ON access_key (created, id);

-- Not of `last_used`: it changes all the time.
CREATE TRIGGER access_key_stale AFTER INSERT OR UPDATE OF secret, role, name, active OR DELETE ON access_key
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
