//! The judge is judged: it must see what is wrong, and be silent when nothing is.

use std::path::Path;
use std::process::Command;

use testkit::clips::{self, Recipe};
use testkit::judge;
use testkit::probe::{self, Probe};

async fn source() -> (String, Probe) {
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    let path = clip.to_str().unwrap().to_owned();
    let seen = probe::probe(&path).await.unwrap();
    (path, seen)
}

async fn remuxed(arguments: &[&str]) -> Probe {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.mp4");
    ffmpeg(arguments, &path);
    probe::probe(path.to_str().unwrap()).await.unwrap()
}

fn ffmpeg(arguments: &[&str], path: &Path) {
    let status = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(path).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn a_faithful_copy_is_found_whole_and_in_step() {
    let (path, source) = source().await;
    assert_eq!(source.track("video").len(), 150);
    let copy = remuxed(&["-i", &path, "-c", "copy"]).await;
    let placed = judge::covers(&source, &[copy]).unwrap();
    assert_eq!(placed[0].video, (0, 150));
    assert!(placed[0].skew_at_start.abs() < 0.003 && placed[0].skew_at_end.abs() < 0.003, "{placed:?}");
}

#[tokio::test]
async fn sound_that_was_moved_is_noticed() {
    let (path, source) = source().await;
    let moved = ["-i", &path, "-itsoffset", "0.05", "-i", &path, "-map", "0:v", "-map", "1:a", "-c", "copy"];
    let error = judge::covers(&source, &[remuxed(&moved).await]).unwrap_err();
    assert!(error.contains("off against the picture"), "{error}");
}

#[tokio::test]
async fn frames_that_are_missing_or_repeated_are_noticed() {
    let (path, source) = source().await;
    let short = remuxed(&["-i", &path, "-t", "4", "-c", "copy"]).await;
    let error = judge::covers(&source, std::slice::from_ref(&short)).unwrap_err();
    assert!(error.contains("of 150 pictures"), "{error}");
    assert!(judge::covers(&source, &[short.clone(), short]).is_err());
}

#[tokio::test]
async fn damage_in_a_file_makes_the_decoder_complain() {
    let (path, _) = source().await;
    assert_eq!(probe::decode_complaints(&path).await.unwrap(), "");
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2_000].fill(0x55);
    let damaged = folder.path().join("damaged.flv");
    std::fs::write(&damaged, bytes).unwrap();
    assert_ne!(probe::decode_complaints(damaged.to_str().unwrap()).await.unwrap(), "");
}
