//! The picture that stands for an asset: the best of a few that are spread over it.

use catalog::MadePictures;
use domain::picture::{PictureFormat, PictureKind, PictureName};
use encode::{Frames, Look, SnapshotOrder, best};
use jobs::Failure;

use super::camera::Prints;
use super::{Fault, Making};

impl Making<'_> {
    /// Key frames are enough, and each is decoded alone; where an asset has too few of them, the pictures at the times themselves.
    pub(super) async fn covers(&self, order: &SnapshotOrder) -> Result<Vec<MadePictures>, Fault> {
        let times = order.times.ticks(self.source.duration());
        let few = self.camera().different(&times, order.frames).await? < times.len();
        let frames = if few { Frames::Shown } else { order.frames };
        let prints = Prints { snapshot: Some(order.size), cell: None, look: true };
        let mut roll = self.camera().roll(&times, frames, true, prints);
        let mut looks: Vec<Look> = Vec::new();
        while let Some(taken) = roll.next().await? {
            for print in taken.prints {
                if let (Some(file), Some(look)) = (print.snapshot, print.look) {
                    looks.push(look);
                    let number = u32::try_from(looks.len()).unwrap_or(u32::MAX);
                    self.put(PictureName::still(PictureKind::Cover, self.job.id, number), file).await?;
                }
            }
        }
        let pictures = u32::try_from(looks.len()).unwrap_or(u32::MAX);
        if pictures == 0 {
            return Err(Failure::GiveUp("none of its pictures can be decoded".to_owned()).into());
        }
        let chosen = u32::try_from(best(&looks)).unwrap_or(0).saturating_add(1);
        let (kind, format) = (PictureKind::Cover, PictureFormat::Jpeg);
        Ok(vec![MadePictures { kind, format, pictures, chosen: Some(chosen), facts: None }])
    }
}
