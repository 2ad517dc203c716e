-- The one video that a recording's cycles are joined to.
CREATE UNIQUE INDEX asset_composed ON asset (recording) WHERE cycle IS NULL AND recording IS NOT NULL;
