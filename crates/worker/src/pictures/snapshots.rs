//! Still pictures that are kept as they are.

use catalog::MadePictures;
use domain::picture::{PictureFormat, PictureKind, PictureName};
use encode::{Cue, SnapshotOrder};
use jobs::Failure;
use units::MediaTime;

use super::camera::Prints;
use super::sheets::{cues_between, cues_made, file_of};
use super::{Fault, Making};

impl Making<'_> {
    pub(super) async fn snapshots(&self, order: &SnapshotOrder) -> Result<Vec<MadePictures>, Fault> {
        let times = order.times.ticks(self.source.duration());
        let prints = Prints { snapshot: Some(order.size), ..Prints::default() };
        let pictures = self.stills(order, &times, PictureKind::Snapshot, prints).await?;
        let (kind, format) = (PictureKind::Snapshot, PictureFormat::Jpeg);
        Ok(vec![MadePictures { kind, format, pictures, chosen: None, facts: None }])
    }

    /// Cues that name a picture each.
    pub(super) async fn cues(&self, order: &SnapshotOrder) -> Result<Vec<MadePictures>, Fault> {
        let times = order.times.ticks(self.source.duration());
        let prints = Prints { snapshot: Some(order.thumbnail_size()), ..Prints::default() };
        let pictures = self.stills(order, &times, PictureKind::Cues, prints).await?;
        let cue = |number: u32, from_ms, to_ms| Cue { from_ms, to_ms, file: file_of(self.job.id, number), part: None };
        let cues = cues_between(&times, self.source.duration());
        let cues: Vec<Cue> = (1..).zip(cues).map(|(number, (from, to))| cue(number, from, to)).collect();
        self.put_cues(&cues).await?;
        Ok(vec![cues_made(pictures)])
    }

    /// Takes and stores pictures; how many there are. Where only their spread matters, one that cannot be decoded is left out and
    /// the others are numbered without a gap; else each has the number of its time, and all have to be there.
    async fn stills(
        &self,
        order: &SnapshotOrder,
        times: &[i64],
        kind: PictureKind,
        prints: Prints,
    ) -> Result<u32, Fault> {
        let spread = order.is_distinct() && kind == PictureKind::Snapshot;
        let mut roll = self.camera().roll(times, order.frames, spread, prints);
        let mut stored: u32 = 0;
        while let Some(taken) = roll.next().await? {
            if !spread {
                self.none_missing(times, &taken.missing)?;
            }
            for print in taken.prints {
                let Some(file) = print.snapshot else { continue };
                for number in print.numbers {
                    stored += 1;
                    let number =
                        if spread { stored } else { u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1) };
                    self.put(PictureName::still(kind, self.job.id, number), file.clone()).await?;
                }
            }
            self.progress(usize::try_from(stored).unwrap_or(usize::MAX), times.len()).await?;
        }
        match stored {
            0 => Err(Failure::GiveUp("none of its pictures can be decoded".to_owned()).into()),
            stored => Ok(stored),
        }
    }

    /// Gives up when a picture that is wanted for its time cannot be decoded.
    pub(super) fn none_missing(&self, times: &[i64], missing: &[usize]) -> Result<(), Failure> {
        let Some(first) = missing.iter().min().and_then(|number| times.get(*number)) else { return Ok(()) };
        let seconds = MediaTime::reel(*first).seconds();
        Err(Failure::GiveUp(format!("the picture at {seconds:.3} s cannot be decoded")))
    }
}
