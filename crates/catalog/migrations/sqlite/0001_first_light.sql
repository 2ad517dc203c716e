CREATE TABLE domain (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    region TEXT NOT NULL,
    scope TEXT NOT NULL,
    status TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

-- Which play domain the configuration of a push domain hangs on.
CREATE TABLE domain_mapping (
    push_domain TEXT PRIMARY KEY,
    play_domain TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX domain_mapping_play ON domain_mapping (play_domain);

CREATE TABLE domain_config (
    domain TEXT NOT NULL,
    function TEXT NOT NULL,
    id TEXT NOT NULL,
    args TEXT NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (domain, function)
) STRICT;

CREATE TABLE record_rule (
    domain TEXT NOT NULL,
    app TEXT NOT NULL,
    stream TEXT NOT NULL,
    rule TEXT NOT NULL,
    wire TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (domain, app, stream)
) STRICT;

-- Who is told of publish and unpublish, per push domain.
CREATE TABLE live_notify (
    domain TEXT PRIMARY KEY,
    notify_url TEXT NOT NULL,
    exception_url TEXT NOT NULL,
    signed INTEGER NOT NULL,
    auth_key TEXT NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

CREATE TABLE push (
    id TEXT PRIMARY KEY,
    domain TEXT NOT NULL,
    app TEXT NOT NULL,
    stream TEXT NOT NULL,
    publish_domain TEXT NOT NULL,
    params TEXT NOT NULL,
    client TEXT NOT NULL,
    server TEXT NOT NULL,
    node TEXT NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER,
    end_reason TEXT,
    cut_requested INTEGER NOT NULL DEFAULT 0,
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    fps REAL NOT NULL DEFAULT 0,
    video_kbps INTEGER NOT NULL DEFAULT 0,
    audio_kbps INTEGER NOT NULL DEFAULT 0,
    video_codec TEXT NOT NULL DEFAULT '',
    audio_codec TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX push_live ON push (domain, app, stream) WHERE ended IS NULL;
CREATE INDEX push_cut ON push (node) WHERE ended IS NULL AND cut_requested = 1;
CREATE INDEX push_began ON push (domain, began);

-- Streams that may not be pushed; `until` NULL means for good.
CREATE TABLE stream_block (
    domain TEXT NOT NULL,
    app TEXT NOT NULL,
    stream TEXT NOT NULL,
    until INTEGER,
    created INTEGER NOT NULL,
    PRIMARY KEY (domain, app, stream)
) STRICT;

CREATE TABLE reel (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    node TEXT NOT NULL,
    created INTEGER NOT NULL,
    sealed INTEGER,
    end_ticks INTEGER
) STRICT;

-- `cycle_*` are NULL while no cycle is open; `cycles` counts those opened so far.
CREATE TABLE recording (
    id TEXT PRIMARY KEY,
    domain TEXT NOT NULL,
    app TEXT NOT NULL,
    stream TEXT NOT NULL,
    rule TEXT NOT NULL,
    reel TEXT NOT NULL,
    node TEXT NOT NULL,
    fence INTEGER NOT NULL,
    state TEXT NOT NULL,
    cycles INTEGER NOT NULL DEFAULT 0,
    cycle_number INTEGER,
    cycle_asset TEXT,
    cycle_from_ticks INTEGER,
    cycle_began INTEGER,
    last_media INTEGER,
    end_ticks INTEGER,
    give_up_at INTEGER,
    began INTEGER NOT NULL,
    ended INTEGER
) STRICT;
CREATE INDEX recording_open ON recording (node) WHERE state <> 'ended';
CREATE INDEX recording_path ON recording (domain, app, stream, began);
CREATE INDEX recording_reel ON recording (reel);

CREATE TABLE recording_push (
    recording TEXT NOT NULL,
    push TEXT NOT NULL,
    attached INTEGER NOT NULL,
    PRIMARY KEY (recording, push)
) STRICT;

-- `domain`, `app`, `stream` say where a recorded asset came from; an upload has none.
CREATE TABLE asset (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    cover_url TEXT NOT NULL DEFAULT '',
    category INTEGER,
    tags TEXT NOT NULL DEFAULT '',
    user_data TEXT NOT NULL DEFAULT '',
    reference_id TEXT,
    template_group TEXT NOT NULL,
    recording TEXT,
    cycle INTEGER,
    domain TEXT,
    app TEXT,
    stream TEXT,
    began INTEGER,
    ended INTEGER,
    duration_ticks INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    fps REAL NOT NULL,
    bitrate_kbps INTEGER NOT NULL,
    tracks TEXT NOT NULL DEFAULT '[]',
    analysed INTEGER,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    deleted INTEGER
) STRICT;
CREATE UNIQUE INDEX asset_cycle ON asset (recording, cycle) WHERE cycle IS NOT NULL;
CREATE UNIQUE INDEX asset_reference ON asset (reference_id) WHERE reference_id IS NOT NULL AND deleted IS NULL;
CREATE INDEX asset_created ON asset (created, id) WHERE deleted IS NULL;
CREATE INDEX asset_status ON asset (status, created, id) WHERE deleted IS NULL;
CREATE INDEX asset_category ON asset (category, created, id) WHERE deleted IS NULL;
CREATE INDEX asset_recorded ON asset (domain, app, stream, created, id) WHERE deleted IS NULL AND recording IS NOT NULL;
CREATE INDEX asset_began ON asset (began, created, id) WHERE deleted IS NULL AND recording IS NOT NULL;

CREATE TABLE span (
    asset TEXT NOT NULL,
    position INTEGER NOT NULL,
    reel TEXT NOT NULL,
    from_ticks INTEGER NOT NULL,
    to_ticks INTEGER NOT NULL,
    PRIMARY KEY (asset, position)
) STRICT;
CREATE INDEX span_reel ON span (reel, from_ticks);

-- What deleted assets were made of: the only media that may be removed, from `free_at` on
-- and where no span needs it.
CREATE TABLE garbage (
    asset TEXT NOT NULL,
    position INTEGER NOT NULL,
    reel TEXT NOT NULL,
    from_ticks INTEGER NOT NULL,
    to_ticks INTEGER NOT NULL,
    free_at INTEGER NOT NULL,
    PRIMARY KEY (asset, position)
) STRICT;
CREATE INDEX garbage_reel ON garbage (reel, from_ticks);

CREATE TABLE message_callback (
    app_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    signed INTEGER NOT NULL,
    auth_key TEXT NOT NULL,
    mns_endpoint TEXT NOT NULL,
    mns_queue TEXT NOT NULL,
    modified INTEGER NOT NULL
) STRICT;

-- The outbox. `outcome` is what became of the delivery: pending, delivered, unwanted, dropped.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    asset TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    job TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
CREATE INDEX event_asset ON event (asset, seq);

-- One HTTP request that a job made to a customer.
CREATE TABLE delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    event TEXT,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    url TEXT NOT NULL,
    http_status INTEGER,
    error TEXT,
    elapsed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_job ON delivery (job);
CREATE INDEX delivery_event ON delivery (event);

-- The durable queue; crate `jobs` says what its columns mean. `seq` is the order of creation.
CREATE TABLE job (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    payload TEXT NOT NULL,
    unique_key TEXT,
    order_key TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    attempts_max INTEGER NOT NULL,
    backoff_first_ms INTEGER NOT NULL,
    backoff_max_ms INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    progress INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER
) STRICT;
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE unique_key IS NOT NULL AND state IN ('ready', 'running');
CREATE INDEX job_ready ON job (kind, run_at) WHERE state = 'ready';
CREATE INDEX job_running ON job (lease_until) WHERE state = 'running';
CREATE INDEX job_order ON job (order_key, seq) WHERE order_key IS NOT NULL AND state IN ('ready', 'running');
CREATE INDEX job_finished ON job (finished) WHERE finished IS NOT NULL;

-- Signature nonces already seen, until they may be forgotten.
CREATE TABLE nonce (
    key TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (key, nonce)
) STRICT;
CREATE INDEX nonce_expires ON nonce (expires);

CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
