//! What recorded videos are called until somebody names them.

use units::WallTime;

/// Longest title of an asset, in bytes (contract §2.6).
const TITLE_BYTES_MAX: usize = 128;

/// A cycle: `{StreamName}_{RecordStartTime}`, the stream name cut so that it fits (contract §6).
pub fn of_cycle(stream: &str, began: WallTime) -> String {
    with_end(stream, &format!("_{}", began.to_iso8601()))
}

/// All cycles of a recording as one: `{StreamName}_{start}_{end}`, cut likewise (contract §6).
pub fn of_composed(stream: &str, began: WallTime, ended: WallTime) -> String {
    with_end(stream, &format!("_{}_{}", began.to_iso8601(), ended.to_iso8601()))
}

fn with_end(stream: &str, end: &str) -> String {
    let mut cut = stream.len().min(TITLE_BYTES_MAX.saturating_sub(end.len()));
    while !stream.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}{end}", stream.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_what_and_when() {
        let (began, ended) = (WallTime::from_unix_s(1_772_359_200), WallTime::from_unix_s(1_772_362_800));
        assert_eq!(of_cycle("court1", began), "court1_2026-03-01T10:00:00Z");
        assert_eq!(of_composed("court1", began, ended), "court1_2026-03-01T10:00:00Z_2026-03-01T11:00:00Z");
    }

    #[test]
    fn a_long_name_is_cut_between_letters() {
        let began = WallTime::from_unix_s(1_772_359_200);
        let title = of_composed(&"\u{9a6c}".repeat(60), began, began);
        assert!(title.len() <= TITLE_BYTES_MAX && title.ends_with("_2026-03-01T10:00:00Z"), "{title}");
        assert!(title.len() > TITLE_BYTES_MAX - 3);
    }
}
