-- Recording on request: commands, who is told of files, who is asked whether to record.

-- An interrupted recording that was stopped goes on with a command only.
ALTER TABLE recording ADD COLUMN stopped BIGINT NOT NULL DEFAULT 0;

-- What somebody asked of the recording of one stream. The node that holds it answers.
CREATE TABLE record_command (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    command TEXT COLLATE "C" NOT NULL,
    reach_back_ms BIGINT NOT NULL,
    created BIGINT NOT NULL,
    answer TEXT COLLATE "C",
    answered BIGINT
);
CREATE INDEX record_command_open ON record_command (node, seq) WHERE answer IS NULL;
CREATE INDEX record_command_path ON record_command (domain, app, stream, seq);

-- Who is told of recordings, and asked whether to record, per play domain.
CREATE TABLE record_notify (
    domain TEXT COLLATE "C" PRIMARY KEY,
    notify_url TEXT COLLATE "C" NOT NULL,
    on_demand_url TEXT COLLATE "C" NOT NULL,
    status BIGINT NOT NULL,
    signed BIGINT NOT NULL,
    auth_key TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL
);

-- Whether a push is to be recorded, as it was asked. `answer` is what was answered, or why nothing was.
CREATE TABLE record_question (
    push TEXT COLLATE "C" PRIMARY KEY,
    asked BIGINT NOT NULL,
    outcome TEXT COLLATE "C",
    answer TEXT COLLATE "C",
    answered BIGINT
);
CREATE INDEX record_question_asked ON record_question (asked);
