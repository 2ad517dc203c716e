-- Who may use the web console. `password` is an Argon2id hash, sealed.
CREATE TABLE console_user (
    name TEXT COLLATE "C" PRIMARY KEY,
    password TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    signed_in BIGINT
);

-- Not of `signed_in`: it says nothing that has to survive.
CREATE TRIGGER console_user_stale AFTER INSERT OR UPDATE OF password, role OR DELETE ON console_user
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();

-- Who is signed in. `token` is the SHA-256 of what the browser has.
CREATE TABLE console_session (
    token TEXT COLLATE "C" PRIMARY KEY,
    user_name TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX console_session_user ON console_session (user_name, created);
CREATE INDEX console_session_expires ON console_session (expires);
