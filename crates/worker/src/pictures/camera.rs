//! Takes pictures out of stored segments: reads the groups of pictures that are needed and no others, and has them decoded some at
//! a time, by one child process each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use blobs::Blobs;
use bytes::Bytes;
use encode::{Feed, Frames, Gop, LOOK_BYTES, Look, Shot, ShotOutputs, ShotPaths, Size, gops, shot_arguments};
use jobs::Failure;
use reel::segment_key;

use super::source::{PictureSource, size_of};
use super::{Fault, child_fault, fault};
use crate::child;
use crate::error::WorkerError;
use crate::scratch::{read, read_if_there, write};

/// Pictures that are decoded in one go: a program's start costs as much as some ten of them.
const PICTURES_AT_ONCE: usize = 64;
/// Bytes of groups that are held at once, unless one alone is larger.
const BYTES_AT_ONCE: usize = 64 << 20;
/// Shots of one segment that are looked for at once, so that what the program is told stays short.
const SHOTS_AT_ONCE: usize = 256;

/// Where pictures are taken.
#[derive(Clone, Copy)]
pub(super) struct Camera<'a> {
    pub(super) blobs: &'a Blobs,
    pub(super) source: &'a PictureSource,
    pub(super) program: &'a Path,
    pub(super) folder: &'a Path,
}

/// What is wanted of each picture.
#[derive(Clone, Copy, Default)]
pub(super) struct Prints {
    /// A snapshot; where its size is open it is that of the source at that place.
    pub(super) snapshot: Option<Size>,
    /// A copy without loss of this size.
    pub(super) cell: Option<(u32, u32)>,
    /// What it looks like.
    pub(super) look: bool,
}

/// A picture that was taken.
pub(super) struct Print {
    /// The positions of the times that it was taken for.
    pub(super) numbers: Vec<usize>,
    /// Its file.
    pub(super) snapshot: Option<Bytes>,
    /// Where its copy lies, until the next pictures are taken.
    pub(super) cell: Option<PathBuf>,
    /// What it looks like.
    pub(super) look: Option<Look>,
}

/// Some pictures.
pub(super) struct Taken {
    /// In the order in which they lie in storage.
    pub(super) prints: Vec<Print>,
    /// The positions of the times whose picture cannot be decoded.
    pub(super) missing: Vec<usize>,
}

/// Pictures that are being taken.
pub(super) struct Roll<'a> {
    camera: Camera<'a>,
    frames: Frames,
    prints: Prints,
    /// Segments with the shots that fall on them.
    left: VecDeque<(usize, Vec<Shot>)>,
    /// Pictures that were taken already, by segment and time, when each is wanted once only.
    seen: Option<BTreeSet<(usize, i64)>>,
    rolls: u32,
}

#[derive(Default)]
struct Batch {
    groups: Vec<(Gop, Bytes)>,
    /// The segment that the parameters are of.
    part: usize,
    pictures: usize,
    bytes: usize,
}

impl<'a> Camera<'a> {
    /// Pictures of the asset at these of its times. `distinct`: a picture on which several of them fall is taken for the first.
    pub(super) fn roll(self, times: &[i64], frames: Frames, distinct: bool, prints: Prints) -> Roll<'a> {
        let left = shots(self.source, times).into();
        Roll { camera: self, frames, prints, left, seen: distinct.then(BTreeSet::new), rolls: 0 }
    }

    /// How many different pictures these times fall on.
    pub(super) async fn different(self, times: &[i64], frames: Frames) -> Result<usize, Fault> {
        let mut pictures = BTreeSet::new();
        for (part, shots) in shots(self.source, times) {
            let found = self.groups(part, &shots, frames).await?;
            pictures.extend(found.iter().flat_map(|gop| &gop.wanted).map(|wanted| (part, wanted.pts)));
        }
        Ok(pictures.len())
    }

    async fn groups(self, part: usize, shots: &[Shot], frames: Frames) -> Result<Vec<Gop>, Fault> {
        let page = self.source.page(self.blobs, part).await?.unwrap_or_default();
        gops(&page, shots, frames).map_err(|error| fault(&error))
    }
}

/// The shots by the segment that they fall on.
fn shots(source: &PictureSource, times: &[i64]) -> Vec<(usize, Vec<Shot>)> {
    let mut parts: BTreeMap<usize, Vec<Shot>> = BTreeMap::new();
    for (number, at) in times.iter().enumerate() {
        if let Some(place) = source.place(*at) {
            parts.entry(place.part).or_default().push(Shot { number, at: place.at });
        }
    }
    let few = |(part, shots): (usize, Vec<Shot>)| {
        shots.chunks(SHOTS_AT_ONCE).map(|some| (part, some.to_vec())).collect::<Vec<_>>()
    };
    parts.into_iter().flat_map(few).collect()
}

impl Roll<'_> {
    /// Takes the next pictures; `None` when all are taken. What the ones before left in the folder is gone then.
    pub(super) async fn next(&mut self) -> Result<Option<Taken>, Fault> {
        loop {
            let Some(batch) = self.load().await? else { return Ok(None) };
            if !batch.groups.is_empty() {
                return self.take(batch).await.map(Some);
            }
        }
    }

    /// Reads groups with the same parameters, until they are enough.
    async fn load(&mut self) -> Result<Option<Batch>, Fault> {
        let Some((first, _)) = self.left.front() else { return Ok(None) };
        let mut batch = Batch { part: *first, ..Batch::default() };
        let kind = |source: &PictureSource, part: usize| source.row(part).map(|(reel, row)| (reel, row.epoch));
        let same = kind(self.camera.source, batch.part);
        while let Some((part, shots)) = self.left.front() {
            let full = batch.pictures >= PICTURES_AT_ONCE || batch.bytes >= BYTES_AT_ONCE;
            if full || kind(self.camera.source, *part) != same {
                break;
            }
            let found = self.camera.groups(*part, shots, self.frames).await?;
            let part = *part;
            self.left.pop_front();
            for gop in found {
                if let Some(gop) = self.unseen(part, gop) {
                    let bytes = self.read(part, &gop).await?;
                    batch.pictures += gop.wanted.len();
                    batch.bytes += bytes.len();
                    batch.groups.push((gop, bytes));
                }
            }
        }
        Ok(Some(batch))
    }

    /// What of a group is wanted though each picture is wanted only once.
    fn unseen(&mut self, part: usize, mut gop: Gop) -> Option<Gop> {
        if let Some(seen) = &mut self.seen {
            gop.wanted.retain(|wanted| seen.insert((part, wanted.pts)));
            gop.wanted.iter_mut().for_each(|wanted| wanted.shots.truncate(1));
        }
        (!gop.wanted.is_empty()).then_some(gop)
    }

    async fn read(&self, part: usize, gop: &Gop) -> Result<Bytes, WorkerError> {
        let Some((reel, row)) = self.camera.source.row(part) else { return Ok(Bytes::new()) };
        Ok(self.camera.blobs.get_range(&segment_key(reel, row.number), gop.bytes.clone()).await?)
    }

    async fn take(&mut self, batch: Batch) -> Result<Taken, Fault> {
        let epoch = self.camera.source.epoch(batch.part).filter(|epoch| epoch.video.is_some());
        let epoch = epoch.ok_or_else(|| Failure::GiveUp("the index has no parameters of its pictures".to_owned()))?;
        let feed = Feed::new(epoch, &batch.groups).map_err(|error| fault(&error))?;
        let size = size_of(epoch).unwrap_or((1, 1));
        let snapshot = self.prints.snapshot.map(|wanted| wanted.of(size));
        let outputs = ShotOutputs { snapshot, cell: self.prints.cell, look: self.prints.look };
        let folder = self.turn().await?;
        write(&folder.join(ShotPaths::FEED), &feed.video).await?;
        child::run(self.camera.program, &folder, &shot_arguments(&feed, outputs), |_| {})
            .await
            .map_err(|error| child_fault(&error))?;
        collect(&folder, &feed, outputs).await
    }

    /// The next folder, in place of the one before.
    async fn turn(&mut self) -> Result<PathBuf, WorkerError> {
        let name = |number: u32| self.camera.folder.join(format!("roll-{number}"));
        let (before, next) = (name(self.rolls), name(self.rolls + 1));
        if self.rolls > 0 {
            tokio::fs::remove_dir_all(before).await.map_err(WorkerError::Scratch)?;
        }
        tokio::fs::create_dir(&next).await.map_err(WorkerError::Scratch)?;
        self.rolls += 1;
        Ok(next)
    }
}

/// What the program put out, by the times in the names of the files.
async fn collect(folder: &Path, feed: &Feed, outputs: ShotOutputs) -> Result<Taken, Fault> {
    let mut taken = Taken { prints: Vec::new(), missing: Vec::new() };
    for (pts, numbers) in &feed.wanted {
        let snapshot = match outputs.snapshot {
            Some(_) => read_if_there(&folder.join(ShotPaths::snapshot(*pts))).await?,
            None => None,
        };
        let cell = Some(folder.join(ShotPaths::cell(*pts))).filter(|cell| outputs.cell.is_some() && cell.is_file());
        if snapshot.is_some() == outputs.snapshot.is_some() && cell.is_some() == outputs.cell.is_some() {
            taken.prints.push(Print { numbers: numbers.clone(), snapshot, cell, look: None });
        } else {
            taken.missing.extend(numbers);
        }
    }
    if outputs.look {
        let grey = read(&folder.join(ShotPaths::LOOKS)).await?;
        let looks: Vec<_> = grey.chunks(LOOK_BYTES).map(Look::of).collect();
        if looks.len() != taken.prints.len() {
            let what = format!("the encoder put out {} small pictures beside {}", looks.len(), taken.prints.len());
            return Err(Failure::Retry(what).into());
        }
        for (print, look) in taken.prints.iter_mut().zip(looks) {
            print.look = look;
        }
    }
    Ok(taken)
}
