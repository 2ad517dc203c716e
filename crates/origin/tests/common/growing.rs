//! A recording that grows as a test wants it to.

use std::path::Path;

use super::{Planned, World, Writer, path, plan, usual};
use units::RecordingId;

/// One whole segment, and another one that is being written.
pub struct Growing {
    pub recording: RecordingId,
    writer: Writer,
    planned: Vec<Planned>,
    fragments: usize,
}

impl Growing {
    /// Two fragments of pictures, and as many of sound, are in the open segment.
    pub async fn begin(world: &World, folder: &Path) -> Self {
        let clip = usual(folder, "growing.mp4", 11, "30", "320x180", 48_000);
        let planned = plan(&[&clip]);
        let mut writer = Writer::new(&world.blobs, world.catalog.ids().reel(super::WALL));
        writer.write(&planned[0]);
        writer.append(&planned[1], 4);
        let recording = world.begin_recording(writer.reel).await;
        Self { recording, writer, planned, fragments: 4 }
    }

    /// Both tracks get on by a fragment.
    pub fn grow(&mut self) {
        self.fragments += 2;
        self.writer.append(&self.planned[1], self.fragments);
    }

    /// The open segment is whole.
    pub fn seal(&mut self) {
        self.writer.append(&self.planned[1], usize::MAX);
        self.writer.seal(&self.planned[1]);
    }

    /// Nothing more comes.
    pub async fn end(&self, world: &World) {
        let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
        let now = units::WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap());
        world.catalog.end_recording(self.recording, Some(self.writer.end()), now).await.unwrap();
    }

    /// What is served of it.
    pub fn at(&self, name: &str) -> String {
        let path = path();
        format!("/l/{}/{}/{}/{}/{name}", path.domain(), path.app(), path.stream(), self.recording)
    }
}

/// Everything that a playlist names in attributes: parts, hints, reports, init segments.
pub fn attributes(text: &str) -> Vec<String> {
    let uri = |line: &str| Some(line.split_once("URI=\"")?.1.split('"').next()?.to_owned());
    text.lines().filter_map(uri).collect()
}
