-- The SQLite file beside this one follows from it word for word: BIGINT is INTEGER there, TEXT has no collation,
-- tables are STRICT. A test compares them. Times are Unix milliseconds, ids 32 hex digits, flags 0 or 1.

CREATE TABLE domain (
    name TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    region TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL
);

-- Which play domain the configuration of a push domain hangs on.
CREATE TABLE domain_mapping (
    push_domain TEXT COLLATE "C" PRIMARY KEY,
    play_domain TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX domain_mapping_play ON domain_mapping (play_domain);

CREATE TABLE domain_config (
    domain TEXT COLLATE "C" NOT NULL,
    function TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    args TEXT COLLATE "C" NOT NULL,
    modified BIGINT NOT NULL,
    PRIMARY KEY (domain, function)
);

CREATE TABLE record_rule (
    domain TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    wire TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    PRIMARY KEY (domain, app, stream)
);

-- Who is told of publish and unpublish, per push domain.
CREATE TABLE live_notify (
    domain TEXT COLLATE "C" PRIMARY KEY,
    notify_url TEXT COLLATE "C" NOT NULL,
    exception_url TEXT COLLATE "C" NOT NULL,
    signed BIGINT NOT NULL,
    auth_key TEXT COLLATE "C" NOT NULL,
    modified BIGINT NOT NULL
);

CREATE TABLE push (
    id TEXT COLLATE "C" PRIMARY KEY,
    domain TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    publish_domain TEXT COLLATE "C" NOT NULL,
    params TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    server TEXT COLLATE "C" NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    began BIGINT NOT NULL,
    ended BIGINT,
    end_reason TEXT COLLATE "C",
    cut_requested BIGINT NOT NULL DEFAULT 0,
    width BIGINT NOT NULL DEFAULT 0,
    height BIGINT NOT NULL DEFAULT 0,
    fps DOUBLE PRECISION NOT NULL DEFAULT 0,
    video_kbps BIGINT NOT NULL DEFAULT 0,
    audio_kbps BIGINT NOT NULL DEFAULT 0,
    video_codec TEXT COLLATE "C" NOT NULL DEFAULT '',
    audio_codec TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX push_live ON push (domain, app, stream) WHERE ended IS NULL;
CREATE INDEX push_cut ON push (node) WHERE ended IS NULL AND cut_requested = 1;
CREATE INDEX push_began ON push (domain, began);

-- Streams that may not be pushed; `until` NULL means for good.
CREATE TABLE stream_block (
    domain TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    until BIGINT,
    created BIGINT NOT NULL,
    PRIMARY KEY (domain, app, stream)
);

CREATE TABLE reel (
    id TEXT COLLATE "C" PRIMARY KEY,
    state TEXT COLLATE "C" NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    sealed BIGINT,
    end_ticks BIGINT
);

-- `cycle_*` are NULL while no cycle is open; `cycles` counts those opened so far.
CREATE TABLE recording (
    id TEXT COLLATE "C" PRIMARY KEY,
    domain TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    reel TEXT COLLATE "C" NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    fence BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    cycles BIGINT NOT NULL DEFAULT 0,
    cycle_number BIGINT,
    cycle_asset TEXT COLLATE "C",
    cycle_from_ticks BIGINT,
    cycle_began BIGINT,
    last_media BIGINT,
    end_ticks BIGINT,
    give_up_at BIGINT,
    began BIGINT NOT NULL,
    ended BIGINT
);
CREATE INDEX recording_open ON recording (node) WHERE state <> 'ended';
CREATE INDEX recording_path ON recording (domain, app, stream, began);
CREATE INDEX recording_reel ON recording (reel);

CREATE TABLE recording_push (
    recording TEXT COLLATE "C" NOT NULL,
    push TEXT COLLATE "C" NOT NULL,
    attached BIGINT NOT NULL,
    PRIMARY KEY (recording, push)
);

-- `domain`, `app`, `stream` say where a recorded asset came from; an upload has none.
CREATE TABLE asset (
    id TEXT COLLATE "C" PRIMARY KEY,
    status TEXT COLLATE "C" NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL DEFAULT '',
    cover_url TEXT COLLATE "C" NOT NULL DEFAULT '',
    category BIGINT,
    tags TEXT COLLATE "C" NOT NULL DEFAULT '',
    user_data TEXT COLLATE "C" NOT NULL DEFAULT '',
    reference_id TEXT COLLATE "C",
    template_group TEXT COLLATE "C" NOT NULL,
    recording TEXT COLLATE "C",
    cycle BIGINT,
    domain TEXT COLLATE "C",
    app TEXT COLLATE "C",
    stream TEXT COLLATE "C",
    began BIGINT,
    ended BIGINT,
    duration_ticks BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    fps DOUBLE PRECISION NOT NULL,
    bitrate_kbps BIGINT NOT NULL,
    tracks TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    analysed BIGINT,
    created BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    deleted BIGINT
);
CREATE UNIQUE INDEX asset_cycle ON asset (recording, cycle) WHERE cycle IS NOT NULL;
CREATE UNIQUE INDEX asset_reference ON asset (reference_id) WHERE reference_id IS NOT NULL AND deleted IS NULL;
CREATE INDEX asset_created ON asset (created, id) WHERE deleted IS NULL;
CREATE INDEX asset_status ON asset (status, created, id) WHERE deleted IS NULL;
CREATE INDEX asset_category ON asset (category, created, id) WHERE deleted IS NULL;
CREATE INDEX asset_recorded ON asset (domain, app, stream, created, id) WHERE deleted IS NULL AND recording IS NOT NULL;
CREATE INDEX asset_began ON asset (began, created, id) WHERE deleted IS NULL AND recording IS NOT NULL;

CREATE TABLE span (
    asset TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    reel TEXT COLLATE "C" NOT NULL,
    from_ticks BIGINT NOT NULL,
    to_ticks BIGINT NOT NULL,
    PRIMARY KEY (asset, position)
);
CREATE INDEX span_reel ON span (reel, from_ticks);

-- What deleted assets were made of: the only media that may be removed, from `free_at` on
-- and where no span needs it.
CREATE TABLE garbage (
    asset TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    reel TEXT COLLATE "C" NOT NULL,
    from_ticks BIGINT NOT NULL,
    to_ticks BIGINT NOT NULL,
    free_at BIGINT NOT NULL,
    PRIMARY KEY (asset, position)
);
CREATE INDEX garbage_reel ON garbage (reel, from_ticks);

CREATE TABLE message_callback (
    app_id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    events TEXT COLLATE "C" NOT NULL,
    signed BIGINT NOT NULL,
    auth_key TEXT COLLATE "C" NOT NULL,
    mns_endpoint TEXT COLLATE "C" NOT NULL,
    mns_queue TEXT COLLATE "C" NOT NULL,
    modified BIGINT NOT NULL
);

-- The outbox. `outcome` is what became of the delivery: pending, delivered, unwanted, dropped.
CREATE TABLE event (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    asset TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    job TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL
);
CREATE INDEX event_asset ON event (asset, seq);

-- One HTTP request that a job made to a customer.
CREATE TABLE delivery (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C",
    attempt BIGINT NOT NULL,
    at BIGINT NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    http_status BIGINT,
    error TEXT COLLATE "C",
    elapsed_ms BIGINT NOT NULL
);
CREATE INDEX delivery_job ON delivery (job);
CREATE INDEX delivery_event ON delivery (event);

-- The durable queue; crate `jobs` says what its columns mean. `seq` is the order of creation.
CREATE TABLE job (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    priority BIGINT NOT NULL,
    payload TEXT COLLATE "C" NOT NULL,
    unique_key TEXT COLLATE "C",
    order_key TEXT COLLATE "C",
    attempt BIGINT NOT NULL DEFAULT 0,
    attempts_max BIGINT NOT NULL,
    backoff_first_ms BIGINT NOT NULL,
    backoff_max_ms BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    fence BIGINT NOT NULL DEFAULT 0,
    owner TEXT COLLATE "C",
    lease_until BIGINT,
    cancel_requested BIGINT NOT NULL DEFAULT 0,
    progress BIGINT NOT NULL DEFAULT 0,
    error TEXT COLLATE "C",
    created BIGINT NOT NULL,
    started BIGINT,
    finished BIGINT
);
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE unique_key IS NOT NULL AND state IN ('ready', 'running');
CREATE INDEX job_ready ON job (kind, run_at) WHERE state = 'ready';
CREATE INDEX job_running ON job (lease_until) WHERE state = 'running';
CREATE INDEX job_order ON job (order_key, seq) WHERE order_key IS NOT NULL AND state IN ('ready', 'running');
CREATE INDEX job_finished ON job (finished) WHERE finished IS NOT NULL;

-- Signature nonces already seen, until they may be forgotten.
CREATE TABLE nonce (
    key TEXT COLLATE "C" NOT NULL,
    nonce TEXT COLLATE "C" NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (key, nonce)
);
CREATE INDEX nonce_expires ON nonce (expires);

CREATE TABLE setting (
    key TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);
