//! Frame rates, sample rates, B-frames, one track alone: recorded right.

use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::judge;
use testkit::probe::decode_complaints;

use crate::support::{hls, mp4, probe_all, probe_file, server_recording, wait_recorded};

/// Records ten seconds in cycles of four, and judges every asset as MP4 and as HLS.
async fn records_right(recipe: Recipe) {
    let server = server_recording("shape", 4, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 10, key_seconds: 2, ..recipe }).await.unwrap();
    push(&clip, &server.push_url("shape", "s"), Pace::Fast).await.unwrap();
    // Cuts at 4 and 8 seconds, and the rest.
    let assets = wait_recorded(&server, "s", 3).await;
    let source = probe_file(&clip).await;
    for urls in
        [assets.iter().map(|a| mp4(&server, a)).collect::<Vec<_>>(), assets.iter().map(|a| hls(&server, a)).collect()]
    {
        let seen = probe_all(urls.clone()).await;
        judge::covers(&source, &seen).unwrap_or_else(|wrong| panic!("{}: {wrong}", urls[0]));
        for url in urls {
            assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
        }
    }
}

macro_rules! shapes {
    ($($name:ident: $recipe:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            records_right($recipe).await;
        }
    )*};
}

shapes! {
    pictures_at_24_a_second_with_sound_at_44_100: Recipe { rate: "24", sample_rate: 44_100, ..Recipe::default() };
    pictures_at_25_a_second_with_sound_at_48_000: Recipe { rate: "25", sample_rate: 48_000, ..Recipe::default() };
    pictures_at_30_a_second: Recipe { rate: "30", ..Recipe::default() };
    pictures_at_59_94_a_second: Recipe { rate: "60000/1001", ..Recipe::default() };
    pictures_without_b_frames: Recipe { b_frames: 0, ..Recipe::default() };
    pictures_with_three_b_frames: Recipe { b_frames: 3, ..Recipe::default() };
    pictures_at_a_variable_rate: Recipe { variable: true, ..Recipe::default() };
    pictures_alone: Recipe { sample_rate: 0, ..Recipe::default() };
    sound_alone: Recipe { rate: "", ..Recipe::default() };
    sound_alone_at_44_100: Recipe { rate: "", sample_rate: 44_100, ..Recipe::default() };
}
