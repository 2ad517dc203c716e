-- Domains that videos are played from tell the sources that a customer named with them; nothing is fetched from there.
ALTER TABLE domain ADD COLUMN sources TEXT COLLATE "C" NOT NULL DEFAULT '[]';
