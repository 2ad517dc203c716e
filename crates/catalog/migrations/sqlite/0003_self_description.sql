-- Storage describes itself: whatever a row tells of media or of the installation is also written beside the media, so that
-- the rows can be made again. `stale` says which of these descriptions have to be written (again); triggers see to it, so
-- that no writer can forget. Each mark has a number of its own: a description is up to date when the mark that was seen
-- before it was written can still be removed.
CREATE TABLE stale (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    UNIQUE (kind, id)
) STRICT;

-- What a deleted asset was before, for when it is restored.
ALTER TABLE asset ADD COLUMN status_before TEXT;
-- When the media of a deleted asset began to be removed: it cannot be restored any more.
ALTER TABLE garbage ADD COLUMN freed INTEGER;
CREATE INDEX garbage_due ON garbage (free_at) WHERE freed IS NULL;
-- Frames of the push that the recording has not, by reason, as JSON; empty while the push goes on.
ALTER TABLE recording_push ADD COLUMN left_out TEXT NOT NULL DEFAULT '';

CREATE TRIGGER asset_insert_stale AFTER INSERT ON asset BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.id;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.id);
END;

CREATE TRIGGER span_insert_stale AFTER INSERT ON span BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER garbage_insert_stale AFTER INSERT ON garbage BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER event_insert_stale AFTER INSERT ON event BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER reel_insert_stale AFTER INSERT ON reel BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = NEW.id;
    INSERT INTO stale (kind, id) VALUES ('reel', NEW.id);
END;

CREATE TRIGGER recording_insert_stale AFTER INSERT ON recording BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = NEW.reel;
    INSERT INTO stale (kind, id) VALUES ('reel', NEW.reel);
END;

CREATE TRIGGER asset_update_stale AFTER UPDATE ON asset BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.id;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.id);
END;

CREATE TRIGGER span_update_stale AFTER UPDATE ON span BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER garbage_update_stale AFTER UPDATE ON garbage BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER event_update_stale AFTER UPDATE OF outcome ON event BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = NEW.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', NEW.asset);
END;

CREATE TRIGGER reel_update_stale AFTER UPDATE ON reel BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = NEW.id;
    INSERT INTO stale (kind, id) VALUES ('reel', NEW.id);
END;

CREATE TRIGGER recording_update_stale AFTER UPDATE ON recording BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = NEW.reel;
    INSERT INTO stale (kind, id) VALUES ('reel', NEW.reel);
END;

CREATE TRIGGER asset_delete_stale AFTER DELETE ON asset BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.id;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.id);
END;

CREATE TRIGGER span_delete_stale AFTER DELETE ON span BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;

CREATE TRIGGER garbage_delete_stale AFTER DELETE ON garbage BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;

CREATE TRIGGER event_delete_stale AFTER DELETE ON event BEGIN
    DELETE FROM stale WHERE kind = 'asset' AND id = OLD.asset;
    INSERT INTO stale (kind, id) VALUES ('asset', OLD.asset);
END;

CREATE TRIGGER reel_delete_stale AFTER DELETE ON reel BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = OLD.id;
    INSERT INTO stale (kind, id) VALUES ('reel', OLD.id);
END;

CREATE TRIGGER recording_delete_stale AFTER DELETE ON recording BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id = OLD.reel;
    INSERT INTO stale (kind, id) VALUES ('reel', OLD.reel);
END;

CREATE TRIGGER recording_push_insert_stale AFTER INSERT ON recording_push BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id IN (SELECT reel FROM recording WHERE id = NEW.recording);
    INSERT INTO stale (kind, id) SELECT 'reel', reel FROM (SELECT reel FROM recording WHERE id = NEW.recording);
END;

CREATE TRIGGER recording_push_update_stale AFTER UPDATE ON recording_push BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id IN (SELECT reel FROM recording WHERE id = NEW.recording);
    INSERT INTO stale (kind, id) SELECT 'reel', reel FROM (SELECT reel FROM recording WHERE id = NEW.recording);
END;

CREATE TRIGGER push_ended_stale AFTER UPDATE OF ended ON push BEGIN
    DELETE FROM stale WHERE kind = 'reel' AND id IN (SELECT DISTINCT reel FROM recording JOIN recording_push ON recording.id = recording WHERE push = NEW.id);
    INSERT INTO stale (kind, id) SELECT 'reel', reel FROM (SELECT DISTINCT reel FROM recording JOIN recording_push ON recording.id = recording WHERE push = NEW.id);
END;

CREATE TRIGGER domain_insert_stale AFTER INSERT ON domain BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER domain_update_stale AFTER UPDATE ON domain BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER domain_delete_stale AFTER DELETE ON domain BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER domain_mapping_insert_stale AFTER INSERT ON domain_mapping BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER domain_mapping_update_stale AFTER UPDATE ON domain_mapping BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER domain_mapping_delete_stale AFTER DELETE ON domain_mapping BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER domain_config_insert_stale AFTER INSERT ON domain_config BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER domain_config_update_stale AFTER UPDATE ON domain_config BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER domain_config_delete_stale AFTER DELETE ON domain_config BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER record_rule_insert_stale AFTER INSERT ON record_rule BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER record_rule_update_stale AFTER UPDATE ON record_rule BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER record_rule_delete_stale AFTER DELETE ON record_rule BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER live_notify_insert_stale AFTER INSERT ON live_notify BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER live_notify_update_stale AFTER UPDATE ON live_notify BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER live_notify_delete_stale AFTER DELETE ON live_notify BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER stream_block_insert_stale AFTER INSERT ON stream_block BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER stream_block_update_stale AFTER UPDATE ON stream_block BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER stream_block_delete_stale AFTER DELETE ON stream_block BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER message_callback_insert_stale AFTER INSERT ON message_callback BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER message_callback_update_stale AFTER UPDATE ON message_callback BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER message_callback_delete_stale AFTER DELETE ON message_callback BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER setting_insert_stale AFTER INSERT ON setting BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER setting_update_stale AFTER UPDATE ON setting BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

CREATE TRIGGER setting_delete_stale AFTER DELETE ON setting BEGIN
    DELETE FROM stale WHERE kind = 'catalog' AND id = '';
    INSERT INTO stale (kind, id) VALUES ('catalog', '');
END;

-- What is there already has not been described yet.
INSERT INTO stale (kind, id) SELECT 'asset', id FROM asset;
INSERT INTO stale (kind, id) SELECT 'reel', id FROM reel;
INSERT INTO stale (kind, id) VALUES ('catalog', '');

-- The jobs of an asset, finished ones too, for its receipt.
CREATE INDEX job_key ON job (unique_key) WHERE unique_key IS NOT NULL;
CREATE INDEX asset_recording ON asset (recording, cycle) WHERE recording IS NOT NULL;
