-- What was played and sent in an hour. `media` is the id of a video, or `app/stream`; `domain` is empty for the server's own name.
CREATE TABLE played (
    hour BIGINT NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    media TEXT COLLATE "C" NOT NULL,
    plays BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (hour, domain, media)
);
CREATE INDEX played_media ON played (media, hour);

-- Playlists over what was recorded of a stream between two times. What one shows is in `span`, under its id: it has no media of its own, and
-- what it shows is kept.
CREATE TABLE record_index (
    id TEXT COLLATE "C" PRIMARY KEY,
    domain TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    bucket TEXT COLLATE "C" NOT NULL,
    endpoint TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    began BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    duration_ticks BIGINT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX record_index_path ON record_index (domain, app, stream, began, id);

CREATE TRIGGER record_index_stale AFTER INSERT OR UPDATE OR DELETE ON record_index
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'id');

-- Who was kept from publishing, and who was let again.
CREATE TABLE stream_control (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX stream_control_at ON stream_control (domain, at);
