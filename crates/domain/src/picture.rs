//! The pictures that are made of an asset: what kinds there are, and what their files are called.
//!
//! A file has one name everywhere: below the asset in storage, in its URL, and in what customers are told.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use units::JobId;

/// Digits of the number of a picture.
const DIGITS: usize = 5;

/// What pictures of one job are for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureKind {
    /// One of them stands for the asset.
    Cover,
    /// They were taken at some times.
    Snapshot,
    /// Many small ones in a grid.
    Sheet,
    /// The small ones of sheets, each for itself.
    Cell,
    /// A list that tells players which picture to show at which time, and the pictures.
    Cues,
    /// A few seconds as moving picture.
    Animation,
}

impl PictureKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Cover, Self::Snapshot, Self::Sheet, Self::Cell, Self::Cues, Self::Animation];

    /// The word that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cover => "cover",
            Self::Snapshot => "snapshot",
            Self::Sheet => "sheet",
            Self::Cell => "cell",
            Self::Cues => "cues",
            Self::Animation => "animation",
        }
    }

    /// The folder of their files, below that of the asset.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Cover => "covers",
            Self::Snapshot => "snapshots",
            Self::Sheet => "sprites",
            Self::Cell => "cells",
            Self::Cues => "cues",
            Self::Animation => "animations",
        }
    }
}

impl FromStr for PictureKind {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(())
    }
}

/// What is in a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureFormat {
    /// A still picture.
    Jpeg,
    /// Cues, as WebVTT.
    Vtt,
    /// A moving picture of 256 colours.
    Gif,
    /// A moving picture.
    Webp,
}

impl PictureFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Vtt, Self::Gif, Self::Webp];

    /// How names of such files end, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Vtt => "vtt",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }
}

impl FromStr for PictureFormat {
    type Err = ();
    fn from_str(extension: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|format| format.extension() == extension).ok_or(())
    }
}

/// The name of a file: `covers/5e1f…-00003.jpg`, `animations/5e1f….gif`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PictureName {
    /// Of which kind.
    pub kind: PictureKind,
    /// Of which job.
    pub job: JobId,
    /// Which of several, from 1; `None`: the only one.
    pub number: Option<u32>,
    /// What is in it.
    pub format: PictureFormat,
}

impl PictureName {
    /// A still picture, one of several.
    pub const fn still(kind: PictureKind, job: JobId, number: u32) -> Self {
        Self { kind, job, number: Some(number), format: PictureFormat::Jpeg }
    }

    /// The only file of its kind and format.
    pub const fn single(kind: PictureKind, job: JobId, format: PictureFormat) -> Self {
        Self { kind, job, number: None, format }
    }

    /// The name of all still pictures of a kind, with `number` in the place of their numbers.
    pub fn pattern(kind: PictureKind, job: JobId, number: &str) -> String {
        format!("{}/{job}-{number}.{}", kind.folder(), PictureFormat::Jpeg.extension())
    }
}

impl fmt::Display for PictureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (folder, extension) = (self.kind.folder(), self.format.extension());
        match self.number {
            Some(number) => write!(f, "{folder}/{}-{number:0DIGITS$}.{extension}", self.job),
            None => write!(f, "{folder}/{}.{extension}", self.job),
        }
    }
}

impl FromStr for PictureName {
    type Err = ();
    /// Reads exactly what is written: there is one name for each file.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (folder, file) = text.split_once('/').ok_or(())?;
        let kind = PictureKind::ALL.into_iter().find(|kind| kind.folder() == folder).ok_or(())?;
        let (stem, extension) = file.rsplit_once('.').ok_or(())?;
        let format = extension.parse()?;
        let (job, number) = match stem.split_once('-') {
            Some((job, digits)) => (job, Some(digits.parse().map_err(|_| ())?)),
            None => (stem, None),
        };
        let name = Self { kind, job: job.parse().map_err(|_| ())?, number, format };
        if name.to_string() == text { Ok(name) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        let job = JobId::from_u128(0x5e1f);
        let still = PictureName::still(PictureKind::Cover, job, 3);
        assert_eq!(still.to_string(), "covers/00000000000000000000000000005e1f-00003.jpg");
        let animation = PictureName::single(PictureKind::Animation, job, PictureFormat::Webp);
        assert_eq!(animation.to_string(), "animations/00000000000000000000000000005e1f.webp");
        for name in [still, animation, PictureName::still(PictureKind::Cell, job, 100_000)] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for kind in PictureKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let name = PictureName::still(kind, job, 1);
            assert_eq!(PictureName::pattern(kind, job, "00001"), name.to_string());
        }
    }

    #[test]
    fn what_is_no_name_of_ours_is_none() {
        let job = "00000000000000000000000000005e1f";
        for text in [
            format!("covers/{job}-1.jpg"),
            format!("covers/{job}-+0001.jpg"),
            format!("covers/{job}-00001.png"),
            format!("covers/{job}-000001.jpg"),
            format!("pictures/{job}-00001.jpg"),
            format!("{job}-00001.jpg"),
            "covers/5E1F-00001.jpg".to_owned(),
            format!("covers/{}-00001.jpg", job.to_uppercase()),
            "covers/../asset.json".to_owned(),
            String::new(),
        ] {
            assert_eq!(text.parse::<PictureName>(), Err(()), "{text}");
        }
    }
}
