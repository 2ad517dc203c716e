//! The names of streams (contract §2.12): what the vendor calls a picture of a size, and a file of it.

use units::JobId;

/// Definition of a stream, and the longer and shorter side up to which it reaches.
const DEFINITIONS: [(&str, u32, u32); 5] =
    [("FD", 640, 480), ("LD", 720, 540), ("SD", 1280, 720), ("HD", 1920, 1080), ("2K", 2560, 1440)];

/// What a stream of this size is called. `label` is that of its template: `OD` is what was not encoded, and `HQ`, else `SQ`, what
/// has no pictures.
pub fn definition(width: u32, height: u32, label: &str) -> &'static str {
    if label == "OD" {
        return "OD";
    }
    let (long, short) = (width.max(height), width.min(height));
    if long == 0 {
        return if label == "HQ" { "HQ" } else { "SQ" };
    }
    let fits = DEFINITIONS.iter().find(|(_, most, least)| long <= *most && short <= *least);
    fits.map_or("4K", |(name, ..)| name)
}

/// The `Specification` of a stream of this definition, whose pictures may be H.265.
pub fn specification(definition: &str, h265: bool) -> &'static str {
    match (definition, h265) {
        ("FD", false) => "H264.LD",
        ("LD" | "SD", false) => "H264.SD",
        ("HD", false) => "H264.HD",
        ("2K", false) => "H264.2K",
        ("4K", false) => "H264.4K",
        ("FD", true) => "H265.LD",
        ("LD" | "SD", true) => "H265.SD",
        ("HD", true) => "H265.HD",
        ("2K", true) => "H265.2K",
        ("4K", true) => "H265.4K",
        ("OD", _) => "Segmentation",
        _ => "Audio",
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
        let found = [(640, 360), (360, 640), (640, 640), (1280, 720), (1920, 1088), (3840, 2160), (0, 0)];
        let found = found.map(|(width, height)| definition(width, height, "LD"));
        assert_eq!(found, ["FD", "FD", "SD", "SD", "2K", "4K", "SQ"]);
        assert_eq!((definition(0, 0, "HQ"), definition(640, 360, "OD")), ("HQ", "OD"));
        assert_eq!(
            (specification("LD", false), specification("LD", true), specification("HQ", false)),
            ("H264.SD", "H265.SD", "Audio")
        );
    }

    #[test]
    fn a_file_is_named_by_its_job() {
        assert_eq!(output_file(JobId::from_u128(0xab), "LD", "mp4"), "000000000000000000000000000000ab-ld.mp4");
    }
}
