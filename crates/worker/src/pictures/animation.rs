//! A few seconds as a moving picture.

use catalog::{AnimationFacts, MadePictures};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use encode::{AnimationFormat, AnimationOrder, Frames, ShotPaths, animation_arguments};
use units::Timescale;

use super::camera::Prints;
use super::{Fault, Making, child_fault, fault};
use crate::child;
use crate::error::WorkerError;
use crate::scratch::read;

impl Making<'_> {
    /// The picture that is shown at each step of the animation's own clock, whatever that of the source does.
    pub(super) async fn animation(&self, order: &AnimationOrder) -> Result<Vec<MadePictures>, Fault> {
        let plan = order.plan(self.source.duration(), self.size()).map_err(|error| fault(&error))?;
        let steps = self.folder.join("steps");
        tokio::fs::create_dir(&steps).await.map_err(WorkerError::Scratch)?;
        let prints = Prints { cell: Some(plan.size), ..Prints::default() };
        let mut roll = self.camera().roll(&plan.times, Frames::Shown, false, prints);
        let mut done = 0;
        while let Some(taken) = roll.next().await? {
            self.none_missing(&plan.times, &taken.missing)?;
            for print in &taken.prints {
                for (number, file) in print.numbers.iter().zip(print.cell.iter().cycle()) {
                    let step = steps.join(ShotPaths::step(number.saturating_add(1)));
                    tokio::fs::hard_link(file, step).await.map_err(WorkerError::Scratch)?;
                }
                done += print.numbers.len();
            }
            self.progress(done, plan.times.len()).await?;
        }
        child::run(&self.studio.settings.ffmpeg, &steps, &animation_arguments(order.format, order.fps), |_| {})
            .await
            .map_err(|error| child_fault(&error))?;
        let file = read(&steps.join(ShotPaths::ANIMATION)).await?;
        let size_bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
        let format = match order.format {
            AnimationFormat::Gif => PictureFormat::Gif,
            AnimationFormat::Webp => PictureFormat::Webp,
        };
        self.put(PictureName::single(PictureKind::Animation, self.job.id, format), file).await?;
        let count = i64::try_from(plan.times.len()).unwrap_or(i64::MAX);
        let duration_ticks = count.saturating_mul(i64::from(Timescale::REEL.get())) / i64::from(order.fps.max(1));
        let (width, height) = plan.size;
        let facts = AnimationFacts { width, height, fps: order.fps, duration_ticks, size_bytes };
        let kind = PictureKind::Animation;
        Ok(vec![MadePictures { kind, format, pictures: 1, chosen: None, facts: Some(facts) }])
    }
}
