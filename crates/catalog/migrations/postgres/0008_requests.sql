-- A request may have a name, so that it is not taken twice. The name of an old one is taken away when it is used again.
ALTER TABLE transcode_task ADD COLUMN session TEXT COLLATE "C";
CREATE UNIQUE INDEX transcode_task_session ON transcode_task (session) WHERE session IS NOT NULL;
CREATE INDEX transcode_task_planning ON transcode_task (id) WHERE state = 'planning';

-- How far an output came that ended without being made, in percent.
ALTER TABLE output ADD COLUMN progress BIGINT NOT NULL DEFAULT 0;

-- Since when the last output that was made of a rendition is gone. One that is `freed` is removed, and can be made anew: by
-- another reel.
ALTER TABLE rendition ADD COLUMN unwanted BIGINT;
DROP INDEX rendition_of;
CREATE UNIQUE INDEX rendition_of ON rendition (source_reel, digest, from_ticks, to_ticks) WHERE state <> 'freed';
CREATE INDEX rendition_source ON rendition (source_reel);
CREATE INDEX rendition_unwanted ON rendition (reel) WHERE unwanted IS NOT NULL;
