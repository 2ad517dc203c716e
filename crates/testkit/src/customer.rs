//! What a customer configures before the first push: what to record, and who is told.

use crate::api::Api;

/// The play domain of a new installation.
pub const PLAY_DOMAIN: &str = "play.localhost";

/// A rule for every stream of an app.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// The app.
    pub app: &'a str,
    /// CycleDuration in seconds.
    pub cycle_seconds: u32,
    /// DelayTime in seconds: the grace.
    pub grace_seconds: u32,
}

/// Adds a rule that records and does not transcode.
pub async fn record(api: &Api, rule: Rule<'_>) -> anyhow::Result<()> {
    let params = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", rule.app),
        ("StreamName", "*"),
        ("VodTranscodeGroupId", "VOD_NO_TRANSCODE"),
        ("CycleDuration", &rule.cycle_seconds.to_string()),
        ("DelayTime", &rule.grace_seconds.to_string()),
    ];
    api.live("AddLiveRecordVodConfig", &params).await.map(drop)
}

/// Has every event sent to `url`, signed with `key`.
pub async fn call_back(api: &Api, url: &str, key: &str) -> anyhow::Result<()> {
    let params = [
        ("CallbackType", "HTTP"),
        ("CallbackURL", url),
        ("EventTypeList", "ALL"),
        ("AuthSwitch", "on"),
        ("AuthKey", key),
    ];
    api.vod("SetMessageCallback", &params).await.map(drop)
}
