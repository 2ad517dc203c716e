//! The FFmpeg of this host: what it can do.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use encode::Capabilities;
use tokio::process::Command;

/// Listing takes some milliseconds; a program that does not answer in this time is none.
const LISTING_MAX: Duration = Duration::from_secs(10);

/// Asks an FFmpeg of this host what it can encode. Without one, or one that does not answer: nothing.
pub async fn encoder_capabilities(program: &Path) -> Capabilities {
    let mut ffmpeg = Command::new(program);
    ffmpeg.args(["-nostdin", "-hide_banner", "-v", "error", "-encoders"]).stdin(Stdio::null()).kill_on_drop(true);
    let listed = match tokio::time::timeout(LISTING_MAX, ffmpeg.output()).await {
        Ok(Ok(output)) => Capabilities::of_listing(&String::from_utf8_lossy(&output.stdout)),
        Ok(Err(error)) => {
            tracing::warn!(%error, "there is no FFmpeg: nothing can be transcoded");
            return Capabilities::NONE;
        }
        Err(_) => Capabilities::NONE,
    };
    // Subtitles are drawn from a file: that the filter is known, and words find a font, is what can be asked without one.
    let (text, ass) = tokio::join!(draws(program, "drawtext=text=a:font=Sans"), lists_filter(program, "ass"));
    let listed = Capabilities { text, subtitles: text && ass, ..listed };
    if listed != Capabilities::default() {
        tracing::warn!(?listed, "this host's FFmpeg lacks encoders: templates that need them are refused");
    }
    listed
}

/// Whether an FFmpeg has a filter.
async fn lists_filter(program: &Path, name: &str) -> bool {
    let mut ffmpeg = Command::new(program);
    ffmpeg.args(["-nostdin", "-hide_banner", "-v", "error", "-filters"]).stdin(Stdio::null()).kill_on_drop(true);
    let listed = tokio::time::timeout(LISTING_MAX, ffmpeg.output()).await;
    let Ok(Ok(output)) = listed else { return false };
    let listing = String::from_utf8_lossy(&output.stdout);
    listing.lines().any(|line| line.split_whitespace().nth(1) == Some(name))
}

/// Whether an FFmpeg draws with this filter: one of text has to be built in, and to find a font.
async fn draws(program: &Path, filter: &str) -> bool {
    let mut ffmpeg = Command::new(program);
    ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=size=64x64", "-frames:v", "1"]);
    ffmpeg.args(["-vf", filter, "-f", "null", "-"]).stdin(Stdio::null()).kill_on_drop(true);
    let tried = tokio::time::timeout(LISTING_MAX, ffmpeg.output()).await;
    matches!(tried, Ok(Ok(output)) if output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_ffmpeg_that_tests_need_has_what_is_encoded_with() {
        assert_eq!(encoder_capabilities(Path::new("ffmpeg")).await, Capabilities::default());
    }
}
