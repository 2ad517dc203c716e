//! Whether a view of an asset is what the journals say was sent, frame by frame and in step.

use std::collections::HashMap;

use super::media::{Mark, Media, PICTURE_MS};
use super::pusher::Push;
use crate::judge::{SILENCE_BYTES_MAX, SKEW_MAX};
use crate::probe::{Packet, Probe};

/// How far one frame's time may be off by rounding, in milliseconds: RTMP counts whole ones, for decode and presentation each.
const ROUNDING_MS: f64 = 2.5;
/// Sound that a playlist may lack before its first picture: what lies before it, and a frame that straddles its beginning.
const SOUND_BEFORE_MAX: usize = 8;

/// All frames of one publisher, by the hash of what should be recorded of them.
#[derive(Debug, Default)]
pub struct Book {
    pictures: HashMap<String, Mark>,
    sounds: HashMap<String, Mark>,
}

impl Book {
    /// What was sent in these pushes.
    pub fn of(media: &Media, pushes: &[Push]) -> Self {
        let mut book = Self::default();
        for push in pushes {
            let mark = |number| Mark { number, ..push.mark };
            book.pictures.extend((0..push.pictures).map(|n| (media.picture_hash(mark(n)), mark(n))));
            book.sounds.extend((0..push.sounds).map(|n| (media.sound_hash(mark(n)), mark(n))));
        }
        book
    }
}

/// A frame of a view: which it is, and when it is shown or heard, in milliseconds.
type Placed = (Mark, f64);

/// What a view holds.
#[derive(Debug, Default)]
pub struct Seen {
    /// Its pictures, in the order of decoding.
    pub pictures: Vec<Mark>,
    /// Its frames of sound.
    pub sounds: Vec<Mark>,
    /// The furthest that sound is off against the picture, in milliseconds.
    pub skew_ms: f64,
    /// Its length by the pictures, in milliseconds.
    pub length_ms: f64,
    /// What is wrong with it; its frames are listed all the same, so that one fault is not told as many.
    pub wrong: Vec<String>,
}

/// Reads a view and checks all that can be checked of it alone. A playlist fills what a track lacks: silence and pictures that
/// stand still are passed over there (`filled`).
pub fn judge(media: &Media, book: &Book, probe: &Probe, filled: bool) -> Seen {
    let mut seen = Seen::default();
    let (mut video, mut audio) = (probe.track("video"), probe.track("audio"));
    if filled {
        audio.retain(|packet| packet.size > SILENCE_BYTES_MAX);
        let shown: Vec<_> = video.iter().map(|packet| packet.hash.clone()).collect();
        let again = |at: usize| shown[at + 1..].contains(&shown[at]) || shown[..at].contains(&shown[at]);
        // One that stands still lasts as long as a segment; the picture itself is the shorter of the two.
        let still = |at: usize, packet: &Packet| packet.key && packet.duration > 0.2 && again(at);
        let keep: Vec<_> = video.iter().enumerate().map(|(at, packet)| !still(at, packet)).collect();
        let mut keep = keep.into_iter();
        video.retain(|_| keep.next().unwrap_or(true));
    }
    let pictures = known("picture", &book.pictures, &video, &mut seen.wrong);
    let sounds = known("frame of sound", &book.sounds, &audio, &mut seen.wrong);
    match check_pictures(media, &pictures).and_then(|offsets| check_sounds(media, &sounds, &offsets)) {
        Ok(skew_ms) => seen.skew_ms = skew_ms,
        Err(wrong) => seen.wrong.push(wrong),
    }
    seen.length_ms = pictures.iter().map(|(_, pts)| *pts).fold(0.0, f64::max) + f64::from(PICTURE_MS);
    let said_ms = probe.duration * 1000.0;
    if !pictures.is_empty() && (said_ms - seen.length_ms).abs() > f64::from(PICTURE_MS) {
        let wrong = format!("it says to be {said_ms:.0} ms long, its pictures last {:.0} ms", seen.length_ms);
        seen.wrong.push(wrong);
    }
    let marks = |placed: Vec<Placed>| placed.into_iter().map(|(mark, _)| mark).collect();
    (seen.pictures, seen.sounds) = (marks(pictures), marks(sounds));
    seen
}

/// Checks that a playlist and an MP4 of one asset hold the same. A playlist leaves out sound before its first picture.
pub fn agree(hls: &Seen, mp4: &Seen) -> Result<(), String> {
    if hls.pictures != mp4.pictures {
        return Err(format!("HLS has {} pictures, MP4 {}, or others", hls.pictures.len(), mp4.pictures.len()));
    }
    if !mp4.sounds.ends_with(&hls.sounds) || mp4.sounds.len() - hls.sounds.len() > SOUND_BEFORE_MAX {
        return Err(format!("HLS has {} frames of sound, MP4 {}, or others", hls.sounds.len(), mp4.sounds.len()));
    }
    Ok(())
}

fn known(what: &str, book: &HashMap<String, Mark>, packets: &[&Packet], wrong: &mut Vec<String>) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::with_capacity(packets.len());
    for (number, packet) in packets.iter().enumerate() {
        let Some(mark) = book.get(&packet.hash).copied() else {
            wrong.push(format!("{what} {number} was never sent: {packet:?}"));
            continue;
        };
        if let Some((before, _)) = placed.last()
            && *before >= mark
        {
            wrong.push(format!("{what} {number} is {mark:?}, after {before:?}"));
        }
        placed.push((mark, packet.pts * 1000.0));
    }
    placed
}

/// Pictures run as they were sent, each push where the one before stopped. Returns sent minus shown time per push.
fn check_pictures(media: &Media, pictures: &[Placed]) -> Result<HashMap<u32, f64>, String> {
    let mut offsets: HashMap<u32, f64> = HashMap::new();
    let mut end = 0.0f64;
    let mut before: Option<Mark> = None;
    for (mark, pts) in pictures {
        let offset = f64::from(media.picture_shown_ms(mark.number)) - pts;
        match before.filter(|before| before.push == mark.push) {
            Some(before) if before.number + 1 != mark.number => {
                return Err(format!("pictures are missing between {before:?} and {mark:?}"));
            }
            Some(_) => {
                let moved = offset - offsets[&mark.push];
                if moved.abs() > ROUNDING_MS {
                    return Err(format!("{mark:?} is {moved:.2} ms off against the first picture of its push"));
                }
            }
            None => {
                if (pts - end).abs() > ROUNDING_MS {
                    return Err(format!("{mark:?} begins at {pts:.1} ms, the picture before it ends at {end:.1} ms"));
                }
                offsets.insert(mark.push, offset);
            }
        }
        before = Some(*mark);
        end = end.max(pts + f64::from(PICTURE_MS));
    }
    Ok(offsets)
}

/// Sound runs without holes inside a push, in step with the pictures of that push. Returns the furthest it is off.
fn check_sounds(media: &Media, sounds: &[Placed], offsets: &HashMap<u32, f64>) -> Result<f64, String> {
    let mut worst = 0.0f64;
    let mut before: Option<Mark> = None;
    for (mark, pts) in sounds {
        if let Some(before) = before.filter(|before| before.push == mark.push && before.number + 1 != mark.number) {
            return Err(format!("sound is missing between {before:?} and {mark:?}"));
        }
        before = Some(*mark);
        // Of a push of which the asset has sound alone, nothing is to be in step with.
        let Some(offset) = offsets.get(&mark.push) else { continue };
        let skew = f64::from(media.sound_at_ms(mark.number)) - pts - offset;
        if skew.abs() > SKEW_MAX * 1000.0 {
            return Err(format!("the sound {mark:?} is {skew:.1} ms off against its pictures"));
        }
        worst = worst.max(skew.abs());
    }
    Ok(worst)
}
