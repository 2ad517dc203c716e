-- Who wrote what: one row for every call of an operation that writes, made before it runs. `code` is what became of it: `OK` or the
-- code of its error; absent as long as it is not known. `params` is JSON without secrets.
CREATE TABLE audit_event (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    access_key TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    service TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    params TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C"
);
CREATE UNIQUE INDEX audit_event_request ON audit_event (request);
CREATE INDEX audit_event_at ON audit_event (at);
CREATE INDEX audit_event_access_key ON audit_event (access_key, seq);
CREATE INDEX audit_event_action ON audit_event (action, seq);
