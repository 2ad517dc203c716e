-- Who wrote what: one row for every call of an operation that writes, made before it runs. `code` is what became of it: `OK` or the
-- code of its error; absent as long as it is not known. `params` is JSON without secrets.
CREATE TABLE audit_event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    request TEXT NOT NULL,
    at INTEGER NOT NULL,
    access_key TEXT NOT NULL,
    role TEXT NOT NULL,
    address TEXT NOT NULL,
    service TEXT NOT NULL,
    action TEXT NOT NULL,
    params TEXT NOT NULL,
    code TEXT
) STRICT;
CREATE UNIQUE INDEX audit_event_request ON audit_event (request);
CREATE INDEX audit_event_at ON audit_event (at);
CREATE INDEX audit_event_access_key ON audit_event (access_key, seq);
CREATE INDEX audit_event_action ON audit_event (action, seq);
