-- What edges forget as well: files of the library, playlists over recordings, and sources that were deleted alone.
CREATE TRIGGER library_file_gone_purge AFTER UPDATE OF status ON library_file
    FOR EACH ROW WHEN (NEW.status <> OLD.status AND NEW.status = 'Deleted') EXECUTE FUNCTION purge_asset('id');
CREATE TRIGGER record_index_delete_purge AFTER DELETE ON record_index
    FOR EACH ROW EXECUTE FUNCTION purge_asset('id');
CREATE TRIGGER asset_source_gone_purge AFTER UPDATE OF source_deleted ON asset
    FOR EACH ROW WHEN (NEW.source_deleted IS NOT NULL AND OLD.source_deleted IS NULL) EXECUTE FUNCTION purge_asset('id');
