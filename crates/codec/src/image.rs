//! What kind of picture a file is, and how large: PNG, JPEG and GIF.

use serde::{Deserialize, Serialize};

/// How a picture is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF, of which the first picture counts.
    Gif,
}

impl ImageKind {
    /// How names of such files end.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
        }
    }
}

/// Reads what a file is, and its size in pixels. `None`: it is none of these, or not whole.
pub fn read_image(bytes: &[u8]) -> Option<(ImageKind, u32, u32)> {
    let (kind, (width, height)) = match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', rest @ ..] => (ImageKind::Png, png(rest)?),
        [0xff, 0xd8, rest @ ..] => (ImageKind::Jpeg, jpeg(rest)?),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', rest @ ..] => (ImageKind::Gif, gif(rest)?),
        _ => return None,
    };
    (width > 0 && height > 0).then_some((kind, width, height))
}

/// Chunks of a length, a name, data and a checksum (ISO/IEC 15948 §5.3): the first is `IHDR`, the last `IEND`.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut size = None;
    let mut rest = bytes;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        let (_, after) = after.split_first_chunk::<4>()?;
        match (name, size) {
            (b"IHDR", None) => {
                let (width, data) = data.split_first_chunk::<4>()?;
                let (height, _) = data.split_first_chunk::<4>()?;
                size = Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)));
            }
            (b"IEND", Some(size)) => return Some(size),
            (_, None) => return None,
            (_, Some(_)) => {}
        }
        rest = after;
    }
}

/// Markers with a length (ISO/IEC 10918-1 annex B): a frame header says the size, and the file ends with the end of the image.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    if !bytes.windows(2).any(|pair| pair == [0xff, 0xd9]) {
        return None;
    }
    let mut rest = bytes;
    loop {
        let (marker, after) = match rest {
            [0xff, 0xff, ..] => {
                rest = rest.get(1..)?;
                continue;
            }
            [0xff, marker, after @ ..] => (*marker, after),
            _ => return None,
        };
        let (length, _) = after.split_first_chunk::<2>()?;
        let (segment, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        match (marker, segment) {
            // All frame headers: not the tables (C4, CC) and the reserved one (C8) between them.
            (0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf, [_, _, _, height, low, width, narrow, ..]) => {
                let side = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
                return Some((side(*width, *narrow), side(*height, *low)));
            }
            // The scan comes after the frame's header.
            (0xda, _) | (_, []) => return None,
            _ => rest = after,
        }
    }
}

/// The screen's size (GIF89a §18), and a trailer at the end.
fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let [width, wide, height, high] = *size;
    rest.contains(&0x3b).then(|| {
        let side = |low, high| u32::from(u16::from_le_bytes([low, high]));
        (side(width, wide), side(height, high))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of 40 × 20 pixels, as FFmpeg writes it.
    fn made(kind: &str) -> Vec<u8> {
        let ffmpeg = std::process::Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=red:size=40x20", "-frames:v", "1"])
            .args(match kind {
                "jpeg" => &["-c:v", "mjpeg", "-f", "image2pipe"][..],
                "gif" => &["-f", "gif"],
                _ => &["-c:v", "png", "-f", "image2pipe"],
            })
            .arg("-")
            .output()
            .unwrap();
        assert!(ffmpeg.status.success(), "{}", String::from_utf8_lossy(&ffmpeg.stderr));
        ffmpeg.stdout
    }

    #[test]
    fn what_an_encoder_writes_is_read_and_what_is_cut_off_is_not() {
        for (word, kind) in [("png", ImageKind::Png), ("jpeg", ImageKind::Jpeg), ("gif", ImageKind::Gif)] {
            let file = made(word);
            assert_eq!(read_image(&file), Some((kind, 40, 20)), "{word}");
            assert_eq!(read_image(&file[..12]), None, "{word}");
        }
        let png = made("png");
        assert_eq!(read_image(&png[..png.len() - 1]), None);
        assert_eq!(read_image(b"<svg width=\"10\"/>"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(start in 0usize..4, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let heads: [&[u8]; 4] = [&[], b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", &[0xff, 0xd8, 0xff, 0xc0, 0, 9], b"GIF89a"];
            let _ = read_image(&[heads[start], &bytes].concat());
        }
    }
}
