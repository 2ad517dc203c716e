//! The names of streams (contract §2.12): what the vendor calls a picture of a size, a codec, and a file of them.

use units::JobId;

/// Definition of a stream, the longer and shorter side up to which it reaches, and its tier in a `Specification`.
const DEFINITIONS: [(&str, u32, u32, &str); 6] = [
    ("FD", 640, 480, "LD"),
    ("LD", 720, 540, "SD"),
    ("SD", 1280, 720, "SD"),
    ("HD", 1920, 1080, "HD"),
    ("2K", 2560, 1440, "2K"),
    ("4K", u32::MAX, u32::MAX, "4K"),
];

/// What a stream of this size is called. `label` is that of its template: `OD` is what was not encoded, `AUTO` what has several
/// sizes, and `HQ`, else `SQ`, what has no pictures.
pub fn definition(width: u32, height: u32, label: &str) -> &'static str {
    match label {
        "OD" => return "OD",
        "AUTO" => return "AUTO",
        _ => {}
    }
    let (long, short) = (width.max(height), width.min(height));
    if long == 0 {
        return if label == "HQ" { "HQ" } else { "SQ" };
    }
    let fits = DEFINITIONS.iter().find(|(_, most, least, _)| long <= *most && short <= *least);
    fits.map_or("4K", |(name, ..)| name)
}

/// The `Specification` of a stream of this definition, whose pictures have this codec (`h264`, `hevc`).
pub fn specification(definition: &str, codec: &str) -> String {
    match DEFINITIONS.iter().find(|(name, ..)| *name == definition) {
        Some((.., tier)) => format!("{}.{tier}", codec_name(codec)),
        None if definition == "OD" => "Segmentation".to_owned(),
        None => "Audio".to_owned(),
    }
}

/// What the vendor calls a codec: `H264`, `H265`, `AAC`, `MP3`.
pub fn codec_name(codec: &str) -> String {
    match codec {
        "hevc" => "H265".to_owned(),
        other => other.to_ascii_uppercase(),
    }
}

/// Bits of a sample of pictures, where the profile leaves no choice (ISO/IEC 14496-10 annex A, 23008-2 annex A).
pub fn bit_depth(codec: &str, profile: &str) -> Option<u32> {
    match (codec, profile) {
        ("h264", "Constrained Baseline" | "Baseline" | "Main" | "Extended" | "High") | ("hevc", "Main") => Some(8),
        _ => None,
    }
}

/// The name of the file of an output, as the vendor makes it: `{JobId}-{definition}.{format}`.
pub fn output_file(job: JobId, definition: &str, format: &str) -> String {
    format!("{job}-{}.{format}", definition.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_to_fit() {
        let found = [(640, 360), (360, 640), (640, 640), (1280, 720), (1920, 1088), (3840, 2160)];
        let found = found.map(|(width, height)| definition(width, height, "LD"));
        assert_eq!(found, ["FD", "FD", "SD", "SD", "2K", "4K"]);
        assert_eq!((definition(640, 360, "OD"), definition(640, 360, "AUTO")), ("OD", "AUTO"));
    }

    #[test]
    fn sound_alone_is_called_as_its_template_says() {
        assert_eq!(["SQ", "HQ", "LD", ""].map(|label| definition(0, 0, label)), ["SQ", "HQ", "SQ", "SQ"]);
    }

    #[test]
    fn a_specification_names_the_codec_and_the_tier() {
        let told = [("FD", "h264"), ("LD", "h264"), ("SD", "hevc"), ("HD", "h264"), ("4K", "hevc"), ("SQ", "aac")];
        let told = told.map(|(definition, codec)| specification(definition, codec));
        assert_eq!(told, ["H264.LD", "H264.SD", "H265.SD", "H264.HD", "H265.4K", "Audio"]);
        assert_eq!(specification("OD", "h264"), "Segmentation");
    }

    #[test]
    fn only_what_the_profile_says_is_told_of_the_bits() {
        assert_eq!(
            (bit_depth("h264", "High"), bit_depth("h264", "High 10"), bit_depth("hevc", "")),
            (Some(8), None, None)
        );
    }

    #[test]
    fn a_file_is_named_by_its_job() {
        assert_eq!(output_file(JobId::from_u128(0xab), "LD", "mp4"), "000000000000000000000000000000ab-ld.mp4");
    }
}
