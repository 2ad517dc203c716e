//! Small pictures, put together to sheets, and cues that name parts of them.

use std::path::PathBuf;

use catalog::MadePictures;
use domain::picture::{PictureFormat, PictureKind, PictureName};
use encode::{Cue, Sheet, SheetOrder, ShotPaths, Size, SnapshotOrder, sheet_arguments, webvtt};
use jobs::Failure;
use units::{JobId, MediaTime, Timescale};

use super::camera::{Print, Prints};
use super::{Fault, Making, child_fault, fault};
use crate::child;
use crate::error::WorkerError;
use crate::scratch::read;

impl Making<'_> {
    pub(super) async fn sheets(
        &self,
        order: &SnapshotOrder,
        sheet: &SheetOrder,
        keep_cells: bool,
    ) -> Result<Vec<MadePictures>, Fault> {
        let times = order.times.ticks(self.source.duration());
        let originals = keep_cells.then(|| self.original_size(order, sheet));
        let sheets = self.bind(order, sheet, &times, PictureKind::Sheet, originals).await?;
        let format = PictureFormat::Jpeg;
        let of = |kind, count: usize| {
            let pictures = u32::try_from(count).unwrap_or(u32::MAX);
            MadePictures { kind, format, pictures, chosen: None, facts: None }
        };
        let mut made = vec![of(PictureKind::Sheet, sheets.len())];
        if keep_cells {
            made.push(of(PictureKind::Cell, times.len()));
        }
        Ok(made)
    }

    /// Cues that name a part of a sheet each.
    pub(super) async fn cues_of_sheets(
        &self,
        order: &SnapshotOrder,
        sheet: &SheetOrder,
    ) -> Result<Vec<MadePictures>, Fault> {
        let times = order.times.ticks(self.source.duration());
        let sheets = self.bind(order, sheet, &times, PictureKind::Cues, None).await?;
        let cells =
            (1..).zip(&sheets).flat_map(|(number, sheet)| (0..sheet.cells).map(move |cell| (number, sheet, cell)));
        let spans = cues_between(&times, self.source.duration());
        let cue = |((number, sheet, cell), (from_ms, to_ms)): ((u32, &Sheet, u32), (u64, u64))| {
            let ((left, top), (width, height)) = (sheet.place(cell), sheet.cell);
            Cue { from_ms, to_ms, file: file_of(self.job.id, number), part: Some((left, top, width, height)) }
        };
        let cues: Vec<Cue> = cells.zip(spans).map(cue).collect();
        self.put_cues(&cues).await?;
        Ok(vec![cues_made(u32::try_from(sheets.len()).unwrap_or(u32::MAX))])
    }

    /// The size of the pictures that are kept beside the sheets: what was asked for, else that of the cells.
    fn original_size(&self, order: &SnapshotOrder, sheet: &SheetOrder) -> Size {
        if !order.size.is_open() {
            return order.size;
        }
        let (width, height) = sheet.cell_size(order.size, self.size());
        Size { width: Some(width), height: Some(height) }
    }

    /// Takes all cells and stores their sheets, each as soon as its last cell is there.
    async fn bind(
        &self,
        order: &SnapshotOrder,
        sheet: &SheetOrder,
        times: &[i64],
        kind: PictureKind,
        originals: Option<Size>,
    ) -> Result<Vec<Sheet>, Fault> {
        let cell = sheet.cell_size(order.size, self.size());
        let count = u32::try_from(times.len()).unwrap_or(u32::MAX);
        let sheets = sheet.sheets(count, cell).map_err(|error| fault(&error))?;
        let mut there = vec![0u32; sheets.len()];
        let mut done = 0;
        let prints = Prints { snapshot: originals, cell: Some(cell), look: false };
        let mut roll = self.camera().roll(times, order.frames, false, prints);
        while let Some(taken) = roll.next().await? {
            self.none_missing(times, &taken.missing)?;
            for print in &taken.prints {
                done += print.numbers.len();
                for full in self.lay(print, &sheets, &mut there).await? {
                    self.print_sheet(&sheets, full, kind).await?;
                }
            }
            self.progress(done, times.len()).await?;
        }
        Ok(sheets)
    }

    /// Lays a picture on the places that it was taken for, and stores it where it is kept. Gives the sheets that are full now.
    async fn lay(&self, print: &Print, sheets: &[Sheet], there: &mut [u32]) -> Result<Vec<usize>, WorkerError> {
        let capacity = sheets.first().map_or(1, |sheet| sheet.cells.max(1));
        let mut full = Vec::new();
        for number in &print.numbers {
            let number = u32::try_from(*number).unwrap_or(u32::MAX);
            let (sheet, cell) = (number / capacity, number % capacity);
            let at = usize::try_from(sheet).unwrap_or(usize::MAX);
            let (Some(wanted), Some(count), Some(file)) = (sheets.get(at), there.get_mut(at), &print.cell) else {
                continue;
            };
            let folder = self.sheet_folder(at);
            tokio::fs::create_dir_all(&folder).await.map_err(WorkerError::Scratch)?;
            let step = ShotPaths::step(usize::try_from(cell).unwrap_or(usize::MAX).saturating_add(1));
            tokio::fs::hard_link(file, folder.join(step)).await.map_err(WorkerError::Scratch)?;
            if let Some(original) = &print.snapshot {
                let name = PictureName::still(PictureKind::Cell, self.job.id, number.saturating_add(1));
                self.put(name, original.clone()).await?;
            }
            *count += 1;
            if *count == wanted.cells {
                full.push(at);
            }
        }
        Ok(full)
    }

    fn sheet_folder(&self, at: usize) -> PathBuf {
        self.folder.join(format!("sheet-{at}"))
    }

    async fn print_sheet(&self, sheets: &[Sheet], at: usize, kind: PictureKind) -> Result<(), Fault> {
        let Some(sheet) = sheets.get(at) else { return Ok(()) };
        let folder = self.sheet_folder(at);
        child::run(&self.studio.settings.ffmpeg, &folder, &sheet_arguments(sheet), |_| {})
            .await
            .map_err(|error| child_fault(&error))?;
        let file = read(&folder.join(ShotPaths::SHEET)).await?;
        let number = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        self.put(PictureName::still(kind, self.job.id, number), file).await?;
        tokio::fs::remove_dir_all(folder).await.map_err(WorkerError::Scratch)?;
        Ok(())
    }

    /// Stores cues.
    pub(super) async fn put_cues(&self, cues: &[Cue]) -> Result<(), Failure> {
        let name = PictureName::single(PictureKind::Cues, self.job.id, PictureFormat::Vtt);
        Ok(self.put(name, webvtt(cues).into()).await?)
    }
}

/// A picture as the cues beside it call it.
pub(super) fn file_of(job: JobId, number: u32) -> String {
    let name = PictureName::still(PictureKind::Cues, job, number).to_string();
    name.rsplit_once('/').map_or(name.clone(), |(_, file)| file.to_owned())
}

pub(super) fn cues_made(pictures: u32) -> MadePictures {
    MadePictures { kind: PictureKind::Cues, format: PictureFormat::Vtt, pictures, chosen: None, facts: None }
}

/// From when to when each picture is shown, in milliseconds: until the next one is, and the last one to the end.
pub(super) fn cues_between(times: &[i64], duration: i64) -> Vec<(u64, u64)> {
    let ms = |ticks: i64| MediaTime::reel(ticks).rescale_floor(Timescale::MILLIS).map_or(0, |time| time.ticks);
    let ms = |ticks: i64| u64::try_from(ms(ticks)).unwrap_or(0);
    let ends = times.iter().skip(1).copied().chain([duration]);
    times.iter().zip(ends).map(|(from, to)| (ms(*from), ms(to).max(ms(*from)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cue_ends_where_the_next_begins_and_the_last_with_the_video() {
        assert_eq!(cues_between(&[0, 180_000, 360_000], 400_000), [(0, 2_000), (2_000, 4_000), (4_000, 4_444)]);
        assert_eq!(cues_between(&[10], 5), [(0, 0)]);
    }

    #[test]
    fn cues_name_the_file_beside_them() {
        assert_eq!(file_of(JobId::from_u128(0xab), 2), "000000000000000000000000000000ab-00002.jpg");
    }
}
