-- What edges forget as well: files of the library, playlists over recordings, and sources that were deleted alone.
CREATE TRIGGER library_file_gone_purge AFTER UPDATE OF status ON library_file
WHEN NEW.status <> OLD.status AND NEW.status = 'Deleted' AND EXISTS (SELECT 1 FROM cache_edge) BEGIN
    INSERT INTO cache_task (kind, domain, path, object_path, state, percent, note)
    VALUES ('directory', '', '/v/' || NEW.id || '/', '', 'refreshing', 0, '');
END;

CREATE TRIGGER record_index_delete_purge AFTER DELETE ON record_index
WHEN EXISTS (SELECT 1 FROM cache_edge) BEGIN
    INSERT INTO cache_task (kind, domain, path, object_path, state, percent, note)
    VALUES ('directory', '', '/v/' || OLD.id || '/', '', 'refreshing', 0, '');
END;

CREATE TRIGGER asset_source_gone_purge AFTER UPDATE OF source_deleted ON asset
WHEN NEW.source_deleted IS NOT NULL AND OLD.source_deleted IS NULL AND EXISTS (SELECT 1 FROM cache_edge) BEGIN
    INSERT INTO cache_task (kind, domain, path, object_path, state, percent, note)
    VALUES ('directory', '', '/v/' || NEW.id || '/', '', 'refreshing', 0, '');
END;
