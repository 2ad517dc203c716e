-- An interrupted recording that was stopped goes on with a command only.
ALTER TABLE recording ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;

-- What somebody asked of the recording of one stream. The node that holds it answers.
CREATE TABLE record_command (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    domain TEXT NOT NULL,
    app TEXT NOT NULL,
    stream TEXT NOT NULL,
    node TEXT NOT NULL,
    command TEXT NOT NULL,
    reach_back_ms INTEGER NOT NULL,
    created INTEGER NOT NULL,
    answer TEXT,
    answered INTEGER
) STRICT;
CREATE INDEX record_command_open ON record_command (node, seq) WHERE answer IS NULL;
CREATE INDEX record_command_path ON record_command (domain, app, stream, seq);

-- Who is told of recordings, and asked whether to record, per play domain.
CREATE TABLE record_notify (
    domain TEXT PRIMARY KEY,
    notify_url TEXT NOT NULL,
    on_demand_url TEXT NOT NULL,
    status INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    auth_key TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

-- Whether a push is to be recorded, as it was asked. `answer` is what was answered, or why nothing was.
CREATE TABLE record_question (
    push TEXT PRIMARY KEY,
    asked INTEGER NOT NULL,
    outcome TEXT,
    answer TEXT,
    answered INTEGER
) STRICT;
CREATE INDEX record_question_asked ON record_question (asked);
