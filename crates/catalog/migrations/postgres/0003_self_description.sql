-- Storage describes itself: whatever a row tells of media or of the installation is also written beside the media, so that
-- the rows can be made again. `stale` says which of these descriptions have to be written (again); triggers see to it, so
-- that no writer can forget. Each mark has a number of its own: a description is up to date when the mark that was seen
-- before it was written can still be removed.
CREATE TABLE stale (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    UNIQUE (kind, id)
);

-- What a deleted asset was before, for when it is restored.
ALTER TABLE asset ADD COLUMN status_before TEXT COLLATE "C";
-- When the media of a deleted asset began to be removed: it cannot be restored any more.
ALTER TABLE garbage ADD COLUMN freed BIGINT;
CREATE INDEX garbage_due ON garbage (free_at) WHERE freed IS NULL;
-- Frames of the push that the recording has not, by reason, as JSON; empty while the push goes on.
ALTER TABLE recording_push ADD COLUMN left_out TEXT COLLATE "C" NOT NULL DEFAULT '';

CREATE FUNCTION mark_stale(of_kind TEXT, of_id TEXT) RETURNS void LANGUAGE sql AS $$
    INSERT INTO stale (kind, id) VALUES (of_kind, of_id) ON CONFLICT (kind, id) DO UPDATE SET seq = DEFAULT
$$;

-- A trigger's arguments: the kind, and the column that has the id.
CREATE FUNCTION stale_by_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_stale(TG_ARGV[0], to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END) ->> TG_ARGV[1]);
    RETURN NULL;
END
$$;

CREATE FUNCTION stale_catalog() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_stale('catalog', '');
    RETURN NULL;
END
$$;

CREATE FUNCTION stale_by_recording() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_stale('reel', reel) FROM recording WHERE id = NEW.recording;
    RETURN NULL;
END
$$;

CREATE FUNCTION stale_by_push() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mark_stale('reel', reel) FROM recording JOIN recording_push ON recording.id = recording WHERE push = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER asset_stale AFTER INSERT OR UPDATE OR DELETE ON asset
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'id');
CREATE TRIGGER span_stale AFTER INSERT OR UPDATE OR DELETE ON span
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');
CREATE TRIGGER garbage_stale AFTER INSERT OR UPDATE OR DELETE ON garbage
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');
CREATE TRIGGER reel_stale AFTER INSERT OR UPDATE OR DELETE ON reel
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('reel', 'id');
CREATE TRIGGER recording_stale AFTER INSERT OR UPDATE OR DELETE ON recording
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('reel', 'reel');
CREATE TRIGGER event_stale AFTER INSERT OR UPDATE OF outcome OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION stale_by_column('asset', 'asset');
CREATE TRIGGER recording_push_stale AFTER INSERT OR UPDATE ON recording_push
    FOR EACH ROW EXECUTE FUNCTION stale_by_recording();
CREATE TRIGGER push_ended_stale AFTER UPDATE OF ended ON push
    FOR EACH ROW EXECUTE FUNCTION stale_by_push();
CREATE TRIGGER domain_stale AFTER INSERT OR UPDATE OR DELETE ON domain
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER domain_mapping_stale AFTER INSERT OR UPDATE OR DELETE ON domain_mapping
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER domain_config_stale AFTER INSERT OR UPDATE OR DELETE ON domain_config
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER record_rule_stale AFTER INSERT OR UPDATE OR DELETE ON record_rule
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER live_notify_stale AFTER INSERT OR UPDATE OR DELETE ON live_notify
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER stream_block_stale AFTER INSERT OR UPDATE OR DELETE ON stream_block
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER message_callback_stale AFTER INSERT OR UPDATE OR DELETE ON message_callback
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER setting_stale AFTER INSERT OR UPDATE OR DELETE ON setting
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();

-- What is there already has not been described yet.
INSERT INTO stale (kind, id) SELECT 'asset', id FROM asset;
INSERT INTO stale (kind, id) SELECT 'reel', id FROM reel;
INSERT INTO stale (kind, id) VALUES ('catalog', '');

-- The jobs of an asset, finished ones too, for its receipt.
CREATE INDEX job_key ON job (unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX asset_recording ON asset (recording, cycle) WHERE recording IS NOT NULL;
