//! What customers are told. Rendered to the wire's names and types by the worker; stored as it stands here.

use serde::{Deserialize, Serialize};
use units::{AssetId, JobId, StreamPath, WallTime};

use crate::picture::{PictureFormat, PictureKind};

/// One thing that happened to an asset.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A cycle of a recording became an asset.
    CycleBecameAsset {
        /// Where it came from.
        path: StreamPath,
        /// Wall time of its first media.
        began: WallTime,
        /// Wall time of its last media, not of the end of the grace.
        ended: WallTime,
    },
    /// The recording is over and its cycles become this asset. Sent before anything else about it.
    ComposeBegan {
        /// Where they came from.
        path: StreamPath,
        /// Whether it is made; `false`: it cannot be, and stays as a failed one.
        possible: bool,
    },
    /// The source of an asset that is no cycle is in place.
    SourceInPlace {
        /// Bytes of its progressive MP4, when they could be counted.
        size_bytes: Option<u64>,
    },
    /// A file was pulled from where its owner said, and became this asset's source, or did not.
    Pulled {
        /// The id under which it was asked for.
        job: JobId,
        /// Where it was.
        url: String,
        /// Bytes of the file, when it is known.
        size_bytes: Option<u64>,
        /// Why there is no source.
        failure: Option<PullFailure>,
    },
    /// The source of an asset was analysed.
    SourceAnalysed {
        /// Pixels; 0 without video.
        width: u32,
        /// Pixels; 0 without video.
        height: u32,
        /// Seconds, for display.
        duration_s: f64,
        /// All tracks together.
        bitrate_kbps: u64,
        /// Frames per second, 0 without video.
        fps: f64,
        /// Bytes of the progressive MP4.
        size_bytes: u64,
    },
    /// An output of an asset was made, or failed.
    StreamTranscoded {
        /// Which, and what became of it.
        stream: StreamInfo,
    },
    /// All outputs of a transcode task have ended.
    Transcoded {
        /// Each of them.
        streams: Vec<StreamInfo>,
    },
    /// Snapshots of an asset were taken, or could not be.
    SnapshotsTaken {
        /// Somebody asked for them; else they come with a transcode task.
        asked: bool,
        /// What stands for the asset by now.
        cover: Option<Cover>,
        /// What was wanted, and how much of it there is.
        sets: Vec<SnapshotSet>,
        /// Why there is nothing, in a sentence.
        error: Option<String>,
    },
    /// An animation of an asset was made, or failed.
    Animated {
        /// Its id.
        job: JobId,
        /// What became of it.
        outcome: AnimationOutcome,
    },
    /// An asset was deleted.
    AssetDeleted,
    /// The source of an asset was deleted; what was made of it stays.
    SourceDeleted,
    /// A picture of the library is here.
    ImageStored {
        /// Bytes.
        size_bytes: u64,
        /// What its name ends with.
        extension: String,
    },
    /// Something that is attached to media is here.
    AttachedStored {
        /// Bytes.
        size_bytes: u64,
        /// What its name ends with.
        extension: String,
    },
    /// A file of the library was deleted.
    FileDeleted {
        /// What it was.
        file: FileKind,
    },
    /// Outputs of an asset were deleted.
    StreamsDeleted {
        /// Which.
        jobs: Vec<JobId>,
    },
    /// The title, description and so on of an asset changed.
    AssetDescribed {
        /// What was done to it.
        mode: DescribeMode,
        /// Each changed field: name, old value, new value.
        changes: Vec<Change>,
    },
}

macro_rules! event_kinds {
    ($($variant:ident = $word:literal),+ $(,)?) => {
        /// What an event is, without what it says.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[allow(missing_docs, reason = "each is explained where the event of its name is")]
        pub enum EventKind { $($variant),+ }

        impl EventKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word with which events of this kind are stored.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Event {
            /// What it is.
            pub const fn kind(&self) -> EventKind {
                match self { $(Self::$variant { .. } => EventKind::$variant),+ }
            }
        }
    };
}

event_kinds! {
    CycleBecameAsset = "cycle_became_asset",
    ComposeBegan = "compose_began",
    SourceInPlace = "source_in_place",
    Pulled = "pulled",
    SourceAnalysed = "source_analysed",
    StreamTranscoded = "stream_transcoded",
    Transcoded = "transcoded",
    SnapshotsTaken = "snapshots_taken",
    Animated = "animated",
    AssetDeleted = "asset_deleted",
    SourceDeleted = "source_deleted",
    ImageStored = "image_stored",
    AttachedStored = "attached_stored",
    FileDeleted = "file_deleted",
    StreamsDeleted = "streams_deleted",
    AssetDescribed = "asset_described",
}

/// What a file of the library is: one that is kept as it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A picture.
    Image,
    /// What is attached to media: a subtitle, material of an edit.
    Attached,
}

impl FileKind {
    /// The word with which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Attached => "attached",
        }
    }
}

/// Why a file that was pulled is no source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PullFailure {
    /// A code that programs know.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// An output that has ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StreamInfo {
    /// Its id.
    pub job: JobId,
    /// How it is delivered: `mp4`, `m3u8`.
    pub format: String,
    /// The label of its template.
    #[serde(default)]
    pub label: String,
    /// How its file is called, with places for ids, when its template says.
    #[serde(default)]
    pub file_name: Option<String>,
    /// It is encrypted on its way to players.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encrypted: bool,
    /// What became of it.
    pub outcome: StreamOutcome,
}

/// What became of an output.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StreamOutcome {
    /// It can be played.
    Made {
        /// Pixels; 0 without video.
        width: u32,
        /// Pixels; 0 without video.
        height: u32,
        /// Frames per second; 0 without video.
        fps: f64,
        /// All tracks together.
        bitrate_kbps: u64,
        /// Seconds, for display.
        duration_s: f64,
        /// Bytes of the progressive MP4.
        size_bytes: u64,
    },
    /// There is none.
    Failed {
        /// Why, in a sentence.
        error: String,
    },
    /// There is none: somebody ended its task.
    Cancelled,
}

/// What stands for an asset in lists.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cover {
    /// What the customer gave it.
    Given {
        /// Where that is.
        url: String,
    },
    /// One of its own pictures.
    Taken {
        /// The name of its file.
        file: String,
    },
}

/// Snapshots of one kind that one job took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotSet {
    /// The job's id.
    pub job: JobId,
    /// What they are for.
    pub kind: PictureKind,
    /// How many there are; 0 when they could not be taken.
    pub count: u32,
}

/// What became of an animation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnimationOutcome {
    /// It can be shown.
    Made {
        /// What is in its file.
        format: PictureFormat,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Pictures per second.
        fps: u32,
        /// Bytes of its file.
        size_bytes: u64,
    },
    /// There is none.
    Failed {
        /// Why, in a sentence.
        error: String,
    },
}

/// Why the description of an asset changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DescribeMode {
    /// It was made.
    Create,
    /// It was edited.
    Update,
    /// It was deleted.
    Delete,
}

/// One changed field of an asset's description.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// Which field.
    pub field: DescribedField,
    /// The value before; empty when there was none.
    pub old: String,
    /// The value after.
    pub new: String,
}

/// A field of an asset's description.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DescribedField {
    /// Its title.
    Title,
    /// Its description.
    Description,
    /// The URL of its cover.
    Cover,
    /// Its category.
    Category,
    /// Its tags.
    Tags,
}

/// An event with whom and when: one row of the outbox.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AssetEvent {
    /// The asset it is about.
    pub asset: AssetId,
    /// When it happened.
    pub at: WallTime,
    /// What happened.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_an_event_is_the_one_it_is_stored_with() {
        for event in
            [Event::AssetDeleted, Event::SourceInPlace { size_bytes: None }, Event::Transcoded { streams: vec![] }]
        {
            let stored = serde_json::to_value(&event).unwrap();
            assert_eq!(stored["kind"], event.kind().as_str());
        }
    }
}
