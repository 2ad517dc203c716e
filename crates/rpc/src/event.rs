//! The names of events (contract §3.2), by the words that they are stored with.

/// The word of what happened, and the `EventType` under which customers ask for and get it.
const EVENTS: [(&str, &str); 16] = [
    ("cycle_became_asset", "AddLiveRecordVideoComplete"),
    ("compose_began", "LiveRecordVideoComposeStart"),
    ("source_in_place", "FileUploadComplete"),
    ("pulled", "UploadByURLComplete"),
    ("source_analysed", "VideoAnalysisComplete"),
    ("stream_transcoded", "StreamTranscodeComplete"),
    ("transcoded", "TranscodeComplete"),
    ("snapshots_taken", "SnapshotComplete"),
    ("animated", "DynamicImageComplete"),
    ("asset_deleted", "DeleteMediaComplete"),
    ("source_deleted", "DeleteMediaComplete"),
    ("streams_deleted", "DeleteMediaComplete"),
    ("image_stored", "ImageUploadComplete"),
    ("attached_stored", "AttachedMediaUploadComplete"),
    ("file_deleted", "DeleteMediaComplete"),
    ("asset_described", "MediaBaseChangeComplete"),
];

/// The `EventType` of what happened; `None` for a word that is none.
pub fn event_type(kind: &str) -> Option<&'static str> {
    EVENTS.iter().find(|(word, _)| *word == kind).map(|(_, name)| *name)
}

/// The words of what is told under an `EventType`; none for a name that is none.
pub fn kinds_of(event_type: &str) -> impl Iterator<Item = &'static str> {
    EVENTS.iter().filter(move |(_, name)| *name == event_type).map(|(word, _)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_stand_for_several_things() {
        assert_eq!(event_type("transcoded"), Some("TranscodeComplete"));
        let deleted = ["asset_deleted", "source_deleted", "streams_deleted", "file_deleted"];
        assert_eq!(kinds_of("DeleteMediaComplete").collect::<Vec<_>>(), deleted);
        assert_eq!((event_type("nothing"), kinds_of("Nothing").count()), (None, 0));
    }
}
