-- How a push goes: between its last two key frames, and since it began.
ALTER TABLE push ADD COLUMN key_frame_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE push ADD COLUMN dropped_frames BIGINT NOT NULL DEFAULT 0;
ALTER TABLE push ADD COLUMN late_frames BIGINT NOT NULL DEFAULT 0;

-- Counted for whoever looks at the installation.
CREATE INDEX job_dead ON job (kind, seq) WHERE state = 'dead';
