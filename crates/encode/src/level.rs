//! Which level a decoder must have: chosen by the encoding alone, because it is part of the parameters, which are the same in
//! all chunks.

use crate::resolve::VideoEncoding;

/// Pictures per second that a level has to allow for, whatever the source has in one chunk or another: the level is part
/// of the parameters, which are the same in all chunks.
const LEVEL_FPS: u32 = 60;
/// Level, largest picture in macroblocks, macroblocks per second (ISO/IEC 14496-10 table A-1).
const H264_LEVELS: [(&str, u32, u32); 7] = [
    ("3.0", 1_620, 40_500),
    ("3.1", 3_600, 108_000),
    ("3.2", 5_120, 216_000),
    ("4.0", 8_192, 245_760),
    ("4.2", 8_704, 522_240),
    ("5.1", 36_864, 983_040),
    ("5.2", 36_864, 2_073_600),
];

/// Level, largest picture in samples, samples per second, kilobits per second in the Main tier (ISO/IEC 23008-2 tables A.8, A.9).
const H265_LEVELS: [(&str, u64, u64, u32); 10] = [
    ("3.0", 552_960, 16_588_800, 6_000),
    ("3.1", 983_040, 33_177_600, 10_000),
    ("4.0", 2_228_224, 66_846_720, 12_000),
    ("4.1", 2_228_224, 133_693_440, 20_000),
    ("5.0", 8_912_896, 267_386_880, 25_000),
    ("5.1", 8_912_896, 534_773_760, 40_000),
    ("5.2", 8_912_896, 1_069_547_520, 60_000),
    ("6.0", 35_651_584, 1_069_547_520, 60_000),
    ("6.1", 35_651_584, 2_139_095_040, 120_000),
    ("6.2", 35_651_584, 4_278_190_080, 240_000),
];

/// That of H.264 (ISO/IEC 14496-10 annex A).
pub(crate) fn h264_level(video: &VideoEncoding) -> &'static str {
    let blocks = video.width.div_ceil(16).saturating_mul(video.height.div_ceil(16));
    let per_second = blocks.saturating_mul(LEVEL_FPS);
    let fits = H264_LEVELS.iter().find(|(_, size, speed)| blocks <= *size && per_second <= *speed);
    fits.map_or("5.2", |(level, ..)| level)
}

/// That of H.265 (ISO/IEC 23008-2 annex A). x265 holds itself to its level, and encodes nothing that is too fast for it.
pub(crate) fn h265_level(video: &VideoEncoding, picture_ticks: i64) -> &'static str {
    let samples = u64::from(video.width).saturating_mul(u64::from(video.height));
    let fps = 90_000_u64.div_ceil(u64::try_from(picture_ticks).unwrap_or(1).max(1)).max(u64::from(LEVEL_FPS));
    let kbps = video.max_kbps.max(video.buffer_kbit).unwrap_or(0);
    let fits = H265_LEVELS
        .iter()
        .find(|(_, size, speed, most)| samples <= *size && samples.saturating_mul(fps) <= *speed && kbps <= *most);
    fits.map_or("6.2", |(level, ..)| level)
}

#[cfg(test)]
mod tests {
    use codec::VideoCodec;

    use super::*;
    use crate::command::tests::video;

    #[test]
    fn a_level_allows_for_the_size() {
        let sizes = [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (4096, 4096)];
        assert_eq!(sizes.map(|(w, h)| h264_level(&video(w, h))), ["3.1", "3.2", "4.2", "5.2", "5.2"]);
        let h265 = |w, h| VideoEncoding { codec: VideoCodec::H265, ..video(w, h) };
        assert_eq!(sizes.map(|(w, h)| h265_level(&h265(w, h), 3_600)), ["3.0", "4.0", "4.1", "5.1", "6.0"]);
        assert_eq!(h265_level(&h265(1920, 1080), 750), "5.0", "120 pictures a second");
        let many = VideoEncoding { max_kbps: Some(30_000), buffer_kbit: Some(40_000), ..h265(640, 360) };
        assert_eq!(h265_level(&many, 3_600), "5.1");
    }
}
