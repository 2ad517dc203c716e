//! What a rule does not keep is deleted, oldest first.

use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};

use crate::support::{PLAY_DOMAIN, SOON, recorded, server_recording, wait_recorded};
use crate::upkeep::{check, plays, wait_analysed};

#[tokio::test]
async fn beyond_the_quota_of_a_rule_the_oldest_video_goes_and_can_be_restored() {
    let mut server = server_recording("keep", 3, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, key_seconds: 1, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("keep", "a"), Pace::Fast).await.unwrap();
    let assets = wait_recorded(&server, "a", 2).await;
    wait_analysed(&server, &assets).await;
    let size = async |id: &str| {
        let answer = server.api().vod("GetMezzanineInfo", &[("VideoId", id)]).await.unwrap();
        answer["Mezzanine"]["Size"].as_i64().unwrap()
    };
    // Room for the newer and half of the older one.
    let quota = size(&assets[1].video_id).await + size(&assets[0].video_id).await / 2;
    let rule = [("DomainName", PLAY_DOMAIN), ("AppName", "keep"), ("StreamName", "*")];
    let bytes = quota.to_string();
    let keep = [&rule[..], &[("RetentionDays", "30"), ("QuotaBytes", &bytes)]].concat();
    server.api().live("UpdateLiveRecordVodConfig", &keep).await.unwrap();
    let told = server.api().live("DescribeLiveRecordVodConfigs", &rule).await.unwrap();
    let config = &told["LiveRecordVodConfigs"]["LiveRecordVodConfig"][0];
    assert_eq!((config["QuotaBytes"].as_i64(), config["RetentionDays"].as_i64()), (Some(quota), Some(30)));

    // A start looks at once for what is not kept.
    server.stop().await.unwrap();
    server.restart().await.unwrap();
    let gone = || async {
        let left = recorded(&server, "a").await?;
        anyhow::ensure!(left.len() == 1 && left[0].video_id == assets[1].video_id, "{left:#?}");
        Ok(())
    };
    testkit::server::until(SOON, gone).await.unwrap();
    plays(&server, &assets[1], 75).await;
    let older = [("VideoIds", assets[0].video_id.as_str())];
    let answer = server.api().vod("RestoreVideo", &older).await.unwrap();
    assert_eq!(answer["RestoredVideoIds"][0], assets[0].video_id.as_str());
    plays(&server, &assets[0], 75).await;
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}
