//! Template groups: each operation's whole answer, each of its errors, and each thing that cannot be encoded here.

mod support;

use api::Settings;
use encode::{
    AudioCodec, Capabilities, Check, Clip, Content, FileName, Format, Fps, Passes, Preset, Rate, Turn, VideoCodec,
};
use serde_json::{Value, json};
use support::{Server, VOD, now};

const UNKNOWN: &str = "00000000000000000000000000000001";

fn template(name: &str) -> Value {
    json!({
        "TemplateName": name, "Definition": "SD",
        "Video": {"Codec": "H.264", "Bitrate": "900", "Width": 640, "Preset": "fast", "Gop": 250},
        "Audio": {"Codec": "AAC", "Bitrate": 96, "Samplerate": "44100"},
        "Container": {"Format": "mp4"},
        "TransConfig": {"TransMode": "onepass", "IsCheckReso": "true", "IsCheckVideoBitrateFail": "true"},
    })
}

fn list(templates: &[Value]) -> String {
    serde_json::to_string(templates).unwrap()
}

async fn add(server: &Server, name: &str, templates: &[Value]) -> String {
    let list = list(templates);
    let told = server.ok(VOD, "AddTranscodeTemplateGroup", &[("Name", name), ("TranscodeTemplateList", &list)]).await;
    let id = told["TranscodeTemplateGroupId"].as_str().unwrap().to_owned();
    assert_eq!(told, json!({"TranscodeTemplateGroupId": id}));
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    id
}

async fn get(server: &Server, id: &str) -> Value {
    server.ok(VOD, "GetTranscodeTemplateGroup", &[("TranscodeTemplateGroupId", id)]).await["TranscodeTemplateGroup"]
        .take()
}

async fn code(server: &Server, action: &str, params: &[(&str, &str)]) -> (u16, String) {
    let (status, answer) = server.call(VOD, action, params).await;
    (status, answer["Code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_group_is_told_as_it_was_written_with_its_inner_objects_as_text() {
    let server = Server::empty().await;
    let id = add(&server, "ladder", &[template("sd"), template("other")]).await;
    let mut told = get(&server, &id).await;
    let ids: Vec<_> = told["TranscodeTemplateList"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .map(|one| one["TranscodeTemplateId"].take().as_str().unwrap().to_owned())
        .collect();
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 32));
    let written = |name: &str| {
        let one = template(name);
        let text = |key: &str| one[key].to_string();
        json!({
            "TranscodeTemplateId": null, "TemplateName": name, "Definition": "SD", "Type": "Normal",
            "Video": text("Video"), "Audio": text("Audio"), "Container": text("Container"), "TransConfig": text("TransConfig"),
        })
    };
    let time = now().to_iso8601();
    assert_eq!(
        told,
        json!({
            "AppId": "app-1000000", "CreationTime": time, "ModifyTime": time, "IsDefault": "NotDefault",
            "Locked": "Disabled", "Name": "ladder", "TranscodeTemplateGroupId": id,
            "TranscodeTemplateList": [written("sd"), written("other")],
        })
    );

    let stored = server.catalog.template_group(&id).await.unwrap().unwrap().templates.remove(0).template;
    let video = stored.profile.video.unwrap();
    assert_eq!((video.width, video.height, video.rate), (Some(640), None, Rate::Kbps(900)));
    assert_eq!((video.preset, video.gop, stored.format), (Preset::Fast, Some(250), Format::Mp4));
    assert_eq!(
        stored.profile.audio.map(|audio| (audio.kbps, audio.sample_rate, audio.channels)),
        Some((96, 44_100, 2))
    );
    let checks = stored.profile.checks;
    assert_eq!((checks.size, checks.video_rate, checks.audio_rate), (Check::Limit, Check::Fail, Check::Off));
}

#[tokio::test]
async fn groups_are_listed_the_built_in_ones_first_and_one_is_the_default() {
    let server = Server::empty().await;
    let id = add(&server, "ladder", &[]).await;
    server.ok(VOD, "SetDefaultTranscodeTemplateGroup", &[("TranscodeTemplateGroupId", &id)]).await;
    let told = server.ok(VOD, "ListTranscodeTemplateGroup", &[]).await;
    let built_in = |id: &str, name: &str| json!({"AppId": "app-1000000", "IsDefault": "NotDefault", "Locked": "Enabled", "Name": name, "TranscodeTemplateGroupId": id});
    let time = now().to_iso8601();
    assert_eq!(
        told,
        json!({"TranscodeTemplateGroupList": [
            built_in("VOD_NO_TRANSCODE", "No transcoding"),
            built_in("VOD_STORE_ONLY", "Store only"),
            {"AppId": "app-1000000", "CreationTime": time, "ModifyTime": time, "IsDefault": "Default", "Locked": "Disabled",
             "Name": "ladder", "TranscodeTemplateGroupId": id},
        ]})
    );
    let of_another = server.ok(VOD, "ListTranscodeTemplateGroup", &[("AppId", "app-2")]).await;
    assert_eq!(of_another, json!({"TranscodeTemplateGroupList": []}));
    assert_eq!(get(&server, "VOD_NO_TRANSCODE").await["TranscodeTemplateList"], json!([]));

    let whole = [("TranscodeTemplateGroupId", id.as_str()), ("ForceDelGroup", "true")];
    assert_eq!(
        code(&server, "DeleteTranscodeTemplateGroup", &whole).await,
        (403, "Forbidden.DefaultTemplateGroup".into())
    );
    server.ok(VOD, "SetDefaultTranscodeTemplateGroup", &[("TranscodeTemplateGroupId", "VOD_NO_TRANSCODE")]).await;
    let gone = server.ok(VOD, "DeleteTranscodeTemplateGroup", &whole).await;
    assert_eq!(gone, json!({"NonExistTranscodeTemplateIds": []}));
    assert_eq!(code(&server, "GetTranscodeTemplateGroup", &whole[..1]).await.0, 404);
}

#[tokio::test]
async fn templates_are_changed_one_by_one_and_taken_out() {
    let server = Server::empty().await;
    let id = add(&server, "ladder", &[template("a"), template("b")]).await;
    let group = ("TranscodeTemplateGroupId", id.as_str());
    let more = list(&[template("c")]);
    server.ok(VOD, "AddTranscodeTemplateGroup", &[group, ("TranscodeTemplateList", &more)]).await;
    let ids = async || -> Vec<String> {
        let told = get(&server, &id).await;
        let all = told["TranscodeTemplateList"].as_array().unwrap();
        all.iter().map(|one| one["TranscodeTemplateId"].as_str().unwrap().to_owned()).collect()
    };
    let before = ids().await;
    assert_eq!(before.len(), 3);
    let change =
        json!([{"TranscodeTemplateId": before[1], "Video": {"Crf": 20}, "Container": "{\"Format\":\"m3u8\"}"}])
            .to_string();
    let changed = [group, ("Name", "new"), ("TranscodeTemplateList", &change)];
    let told = server.ok(VOD, "UpdateTranscodeTemplateGroup", &changed).await;
    assert_eq!(told, json!({"TranscodeTemplateGroupId": id}));
    let told = get(&server, &id).await;
    let second = &told["TranscodeTemplateList"][1];
    assert_eq!(told["Name"], "new");
    assert_eq!(
        (second["Video"].as_str(), second["Container"].as_str()),
        (Some(r#"{"Crf":20}"#), Some(r#"{"Format":"m3u8"}"#))
    );
    assert_eq!(second["Audio"], template("b")["Audio"].to_string());
    assert_eq!(ids().await, before);
    let stored = server.catalog.template_group(&id).await.unwrap().unwrap();
    assert_eq!(stored.templates[1].template.profile.video.as_ref().unwrap().rate, Rate::Quality(20));

    let taken = format!("{},{UNKNOWN}", before[0]);
    let gone = server.ok(VOD, "DeleteTranscodeTemplateGroup", &[group, ("TranscodeTemplateIds", &taken)]).await;
    assert_eq!(gone, json!({"NonExistTranscodeTemplateIds": [UNKNOWN]}));
    assert_eq!(ids().await, before[1..]);
    for wrong in [json!([{"Video": {}}]), json!([{"TranscodeTemplateId": before[0]}])] {
        let wrong = wrong.to_string();
        let params = [group, ("TranscodeTemplateList", wrong.as_str())];
        assert_eq!(code(&server, "UpdateTranscodeTemplateGroup", &params).await, (400, "InvalidParameter".into()));
    }
}

#[tokio::test]
async fn locked_and_built_in_groups_are_not_changed_and_unknown_ones_are_not_found() {
    let server = Server::empty().await;
    let id = add(&server, "ladder", &[template("a")]).await;
    let more = list(&[template("b")]);
    let changes = |id| {
        let group = ("TranscodeTemplateGroupId", id);
        [
            ("AddTranscodeTemplateGroup", vec![group, ("TranscodeTemplateList", more.as_str())]),
            ("UpdateTranscodeTemplateGroup", vec![group, ("Name", "x")]),
            ("DeleteTranscodeTemplateGroup", vec![group, ("ForceDelGroup", "true")]),
        ]
    };
    let locked = |word| [("TranscodeTemplateGroupId", id.as_str()), ("Locked", word)];
    server.ok(VOD, "UpdateTranscodeTemplateGroup", &locked("Enabled")).await;
    assert_eq!(get(&server, &id).await["Locked"], "Enabled");
    for (group, status, wanted) in [
        (id.as_str(), 403, "Forbidden.LockedTemplateGroup"),
        ("VOD_NO_TRANSCODE", 403, "Forbidden.SpecialTemplateGroup"),
        ("VOD_STORE_ONLY", 403, "Forbidden.SpecialTemplateGroup"),
        (UNKNOWN, 404, "InvalidTranscodeTemplateGroup.NotFound"),
    ] {
        for (action, params) in changes(group) {
            assert_eq!(code(&server, action, &params).await, (status, wanted.to_owned()), "{action} {group}");
        }
    }
    for action in ["GetTranscodeTemplateGroup", "SetDefaultTranscodeTemplateGroup"] {
        assert_eq!(code(&server, action, &[("TranscodeTemplateGroupId", UNKNOWN)]).await.0, 404, "{action}");
    }
    server.ok(VOD, "UpdateTranscodeTemplateGroup", &locked("Disabled")).await;
    for (action, params) in changes(&id) {
        server.ok(VOD, action, &params).await;
    }
}

#[tokio::test]
async fn there_are_at_most_twenty_groups_of_twenty_templates() {
    let server = Server::empty().await;
    let full: Vec<_> = (0..20).map(|at| template(&at.to_string())).collect();
    let id = add(&server, "full", &full).await;
    let more = list(&[template("more")]);
    let params = [("TranscodeTemplateGroupId", id.as_str()), ("TranscodeTemplateList", &more)];
    let too_many = (400, "TranscodeTemplateExceededMax".to_owned());
    assert_eq!(code(&server, "AddTranscodeTemplateGroup", &params).await, too_many);
    for at in 1..20 {
        add(&server, &at.to_string(), &[]).await;
    }
    let refused = code(&server, "AddTranscodeTemplateGroup", &[("Name", "more")]).await;
    assert_eq!(refused, (400, "TrasncodeTemplateGroupExceededMax".into()));
}

#[tokio::test]
async fn what_cannot_be_encoded_here_is_refused_in_plain_words() {
    let server = Server::empty().await;
    let cases = [
        ("Video", json!({"Codec": "AV1"}), "template 1, Video.Codec: one of H.264, H.265 is wanted"),
        ("Video", json!({"Codec": "H.265", "Profile": "high"}), "Video.Profile: main is possible here"),
        ("Video", json!({"PixFmt": "yuv420p10le"}), "Video.PixFmt: ten bits are encoded in H.265 alone"),
        ("Video", json!({"PixFmt": "yuv444p"}), "Video.PixFmt: one of yuv420p, yuv420p10le is wanted"),
        ("Video", json!({"Fps": "61"}), "Video.Fps: a number above 0 and up to 60 is wanted"),
        ("Video", json!({"ScanMode": "interlaced"}), "Video.ScanMode: one of auto, progressive is wanted"),
        ("Video", json!({"Width": "641"}), "Video.Width: an even number is wanted"),
        ("Video", json!({"Height": 100}), "Video.Height: a whole number from 128 to 4096 is wanted"),
        ("Video", json!({"Bitrate": "x"}), "Video.Bitrate: a whole number from 10 to 50000"),
        ("Video", json!({"Preset": "placebo"}), "Video.Preset: one of veryfast, faster, fast, medium, slow, slower"),
        ("Video", Value::Null, "Video: it is missing"),
        ("Audio", json!({"Codec": "Opus"}), "Audio.Codec: one of AAC, MP3 is wanted"),
        ("Audio", json!({"Samplerate": "8000"}), "Audio.Samplerate: one of 22050"),
        ("Audio", json!({"Profile": "aac_he"}), "Audio.Profile: aac_low is possible here"),
        ("Audio", json!({"Channels": 6}), "Audio.Channels: a whole number from 1 to 2"),
        ("Audio", json!({"Volume": 21}), "Audio.Volume: a whole number from -20 to 20"),
        ("Audio", json!({"Codec": "MP3", "Samplerate": 96_000}), "Audio.Samplerate: MP3 has at most 48000"),
        ("Audio", json!({"Codec": "MP3", "Bitrate": 321}), "Audio.Bitrate: MP3 has at most 320"),
        (
            "Audio",
            json!({"Codec": "MP3", "Bitrate": 192, "Samplerate": 22_050}),
            "Audio.Bitrate: MP3 has at most 320, and 160",
        ),
        ("Audio", Value::Null, "Audio: it is missing"),
        ("Container", json!({"Format": "webm"}), "Container.Format: one of mp4, m3u8, flv, mp3 is wanted"),
        ("Container", json!({}), "Container.Format: it is missing"),
        ("Container", json!({"Format": "mp3"}), "Audio.Codec: an mp3 has sound in MP3"),
        (
            "MuxConfig",
            json!({"Segment": {"Duration": "61"}}),
            "MuxConfig.Segment.Duration: a whole number from 1 to 60",
        ),
        ("MuxConfig", json!({"Segment": "10"}), "MuxConfig.Segment: an object is wanted"),
        ("TransConfig", json!({"TransMode": "VBR"}), "TransConfig.TransMode: one of onepass, twopass, CBR is wanted"),
        ("TransConfig", json!({"IsCheckReso": "maybe"}), "TransConfig.IsCheckReso: true or false is wanted"),
        ("Type", json!("SubtitlePackage"), "Type: subtitles are not packed here"),
        ("Type", json!("Package"), "Type: one of Normal, VideoPackage is wanted"),
        ("Type", json!("VideoPackage"), "Definition: that of a package is AUTO"),
        ("Definition", json!("AUTO"), "Definition: only what has the Type VideoPackage is AUTO"),
        ("PackageSetting", json!({"PackageType": "HLSPackage"}), "PackageSetting.PackageType: only what has the Type"),
        (
            "PackageSetting",
            json!({"PackageConfig": {"BandWidth": "1"}}),
            "PackageConfig.BandWidth: a whole number from",
        ),
        (
            "PackageSetting",
            json!({"PackageConfig": {"BandWidth": "900000"}}),
            "PackageConfig.BandWidth: only an m3u8 tells it",
        ),
        ("Definition", json!("XL"), "Definition: one of LD, SD, HD, FHD, 2K, 4K, SQ, HQ, OD is wanted"),
        ("EncryptSetting", json!({"EncryptType": "AliyunVoDEncryption"}), "EncryptType: only an m3u8 is encrypted"),
        ("EncryptSetting", json!({"EncryptType": "DRM"}), "EncryptType: AliyunVoDEncryption is possible here"),
        ("EncryptSetting", json!({"EncryptTyp": "1"}), "EncryptType: it is missing; AliyunVoDEncryption is wanted"),
        ("Clip", json!({"TimeSpan": {"Seek": "1:00"}}), "Clip.TimeSpan.Seek: seconds, or hh:mm:ss"),
        ("Clip", json!({"TimeSpan": {"Seek": 5, "End": "00:00:05"}}), "Clip.TimeSpan.End: nothing is left"),
        ("Clip", json!({"TimeSpan": {"Duration": "0"}}), "Clip.TimeSpan.Duration: nothing is left"),
        ("Clip", json!({"TimeSpan": {"Duration": 1, "End": 2}}), "Clip.TimeSpan.End: Duration says it already"),
        ("Rotate", json!("45"), "Rotate: pictures are turned by 0, 90, 180, 270 or 360 degrees here"),
        ("TranscodeFileRegular", json!("x/{JobId}"), "TranscodeFileRegular: one name is wanted"),
        ("TranscodeFileRegular", json!("{MediaId}/film"), "TranscodeFileRegular: it has to contain {JobId}"),
        ("SubtitleList", json!([{"Url": "x"}]), "SubtitleList: a list of objects with SubtitleUrl is wanted"),
        ("SubtitleList", json!([{"SubtitleUrl": "ftp://a/b.srt"}]), "SubtitleList: 1, SubtitleUrl: "),
        ("WatermarkIds", json!(["w"]), "WatermarkIds: the watermark \"w\" does not exist"),
        ("TemplateName", json!(""), "TemplateName: it is missing"),
    ];
    for (key, value, wanted) in cases {
        let mut wrong = template("wrong");
        wrong[key] = value;
        let list = list(&[wrong]);
        let params = [("Name", "n"), ("TranscodeTemplateList", list.as_str())];
        let (status, answer) = server.call(VOD, "AddTranscodeTemplateGroup", &params).await;
        assert_eq!((status, answer["Code"].as_str()), (400, Some("InvalidParameter")), "{wanted}: {answer}");
        assert!(answer["Message"].as_str().unwrap().contains(wanted), "{wanted}: {answer}");
    }
    let mut many = template("many");
    many["WatermarkIds"] = json!(["1", "2", "3", "4", "5"]);
    let list = list(&[many]);
    let params = [("Name", "n"), ("TranscodeTemplateList", list.as_str())];
    assert_eq!(code(&server, "AddTranscodeTemplateGroup", &params).await, (400, "WatermarkExceededMax".into()));
    assert_eq!(code(&server, "AddTranscodeTemplateGroup", &[]).await, (400, "MissingParameter".into()));
    assert!(server.catalog.template_groups().await.unwrap().is_empty());
}

/// A template of sound alone.
fn sound(name: &str, codec: &str, format: &str) -> Value {
    json!({
        "TemplateName": name, "Definition": "HQ",
        "Audio": {"Codec": codec, "Bitrate": "100", "Samplerate": 48_000, "Channels": "1", "Volume": "-6"},
        "Container": {"Format": format},
    })
}

#[tokio::test]
async fn every_container_takes_what_it_can_hold() {
    let server = Server::empty().await;
    let mut flv = template("flv");
    flv["Container"] = json!({"Format": "flv"});
    flv["Audio"] = json!({"Codec": "MP3", "Samplerate": 22_050, "Bitrate": 64});
    let mut hls = template("hls");
    hls["Container"] = json!({"Format": "m3u8"});
    hls["MuxConfig"] = json!({"Segment": {"Duration": "10"}});
    let id = add(
        &server,
        "all",
        &[flv.clone(), hls, sound("a", "MP3", "mp3"), sound("b", "AAC", "mp4"), sound("c", "", "mp3")],
    )
    .await;
    let templates = server.catalog.template_group(&id).await.unwrap().unwrap().templates;
    let found: Vec<_> = templates
        .iter()
        .map(|stored| (stored.template.format, stored.template.profile.audio.as_ref().unwrap().codec))
        .collect();
    assert_eq!(
        found,
        [
            (Format::Flv, AudioCodec::Mp3),
            (Format::M3u8, AudioCodec::Aac),
            (Format::Mp3, AudioCodec::Mp3),
            (Format::Mp4, AudioCodec::Aac),
            (Format::Mp3, AudioCodec::Mp3),
        ]
    );
    assert_eq!(templates[1].template.segment_seconds, Some(10));
    let audio = templates[2].template.profile.audio.as_ref().unwrap();
    assert_eq!((audio.kbps, audio.sample_rate, audio.channels, audio.volume_db), (100, 48_000, 1, -6));

    let mut hevc = flv.clone();
    hevc["Video"]["Codec"] = json!("H.265");
    flv["Audio"]["Samplerate"] = json!("32000");
    let mut pictures = template("pictures");
    pictures["Container"] = json!({"Format": "mp3"});
    pictures["Audio"]["Codec"] = json!("MP3");
    let mut hls = pictures.clone();
    hls["Container"] = json!({"Format": "m3u8"});
    for (wrong, wanted) in [
        (flv, "an flv cannot say that its MP3 has 32000"),
        (pictures, "Video: an mp3 has none"),
        (hls, "Audio.Codec: browsers do not play MP3"),
        (hevc, "Video.Codec: an flv cannot hold H.265"),
    ] {
        let list = list(&[wrong]);
        let params = [("Name", "n"), ("TranscodeTemplateList", list.as_str())];
        let (status, answer) = server.call(VOD, "AddTranscodeTemplateGroup", &params).await;
        assert!(status == 400 && answer["Message"].as_str().unwrap().contains(wanted), "{wanted}: {answer}");
    }
}

#[tokio::test]
async fn a_template_says_which_part_how_fast_how_turned_and_in_how_many_passes() {
    let server = Server::empty().await;
    let mut all = template("all");
    all["Video"] = json!({"Bitrate": 900, "Fps": "29.97", "ScanMode": "progressive"});
    all["TransConfig"] = json!({"TransMode": "twopass"});
    all["Clip"] = json!({"TimeSpan": {"Seek": "00:00:01.5", "Duration": "2"}});
    all["Rotate"] = json!(90);
    all["TranscodeFileRegular"] = json!("{MediaId}/cup-{JobId}_{PlayDefinition}");
    let mut od = json!({"TemplateName": "od", "Definition": "OD", "Container": {"Format": "flv"}});
    let mut constant = template("constant");
    constant["TransConfig"] = json!({"TransMode": "CBR"});
    let id = add(&server, "all", &[all.clone(), od.clone(), constant]).await;
    let templates = server.catalog.template_group(&id).await.unwrap().unwrap().templates;
    let first = &templates[0].template;
    let video = first.profile.video.as_ref().unwrap();
    assert_eq!(video.fps, Some(Fps { numerator: 30_000, denominator: 1_001 }));
    assert_eq!((video.turn, video.deinterlace, video.passes), (Turn::Right, true, Passes::Two));
    assert_eq!(first.clip, Some(Clip { begin_ms: 1_500, end_ms: Some(3_500) }));
    assert_eq!(first.file_name.as_ref().map(FileName::as_str), Some("cup-{JobId}_{PlayDefinition}"));
    assert_eq!((&templates[1].template.content, templates[1].template.format), (&Content::Remuxed, Format::Flv));
    assert_eq!(templates[2].template.profile.video.as_ref().unwrap().passes, Passes::Constant);
    let told = get(&server, &id).await;
    let first = &told["TranscodeTemplateList"][0];
    assert_eq!(
        (first["Rotate"].as_str(), first["Clip"].as_str()),
        (Some("90"), Some(all["Clip"].to_string().as_str()))
    );

    all["Video"] = json!({"Crf": 20});
    od["Clip"] = json!({"TimeSpan": {"Seek": "1"}});
    let mut mp3 = od.clone();
    mp3["Container"] = json!({"Format": "mp3"});
    for (wrong, wanted) in [
        (all, "Video.Bitrate: it is missing; TransMode twopass and CBR"),
        (od, "Clip: with OD nothing is encoded"),
        (mp3, "Container.Format: no source has its sound in MP3"),
    ] {
        let list = list(&[wrong]);
        let params = [("Name", "n"), ("TranscodeTemplateList", list.as_str())];
        let (status, answer) = server.call(VOD, "AddTranscodeTemplateGroup", &params).await;
        assert!(status == 400 && answer["Message"].as_str().unwrap().contains(wanted), "{wanted}: {answer}");
    }
}

#[tokio::test]
async fn h265_has_eight_bits_or_ten() {
    let server = Server::empty().await;
    let h265 = |name, depth, profile| {
        let mut one = template(name);
        one["Video"] = json!({"Codec": "H.265", "Crf": 30, "PixFmt": depth, "Profile": profile});
        one
    };
    let id = add(&server, "h265", &[h265("eight", "yuv420p", "main"), h265("ten", "yuv420p10le", "main10")]).await;
    let templates = server.catalog.template_group(&id).await.unwrap().unwrap().templates;
    let found: Vec<_> = templates
        .into_iter()
        .map(|one| one.template.profile.video.unwrap())
        .map(|one| (one.codec, one.ten_bit))
        .collect();
    assert_eq!(found, [(VideoCodec::H265, false), (VideoCodec::H265, true)]);
}

/// A template of a size that a package offers.
fn offered(name: &str) -> Value {
    let mut one = template(name);
    one["Container"] = json!({"Format": "m3u8"});
    one
}

/// A package.
fn package(name: &str, setting: Value) -> Value {
    json!({"TemplateName": name, "Type": "VideoPackage", "Definition": "AUTO", "PackageSetting": setting})
}

#[tokio::test]
async fn packages_offer_what_their_group_has_in_m3u8() {
    let server = Server::empty().await;
    let mut slow = offered("slow");
    slow["PackageSetting"] = json!({"PackageConfig": {"BandWidth": 1_200_000}});
    let hls = package("hls", json!({"PackageType": "HLSPackage", "PackageConfig": {"BandWidth": "900000"}}));
    let mut dash = package("dash", json!({"PackageType": "DASHPackage"}));
    dash["Container"] = json!({"Format": "mpd"});
    let id = add(&server, "packed", &[hls.clone(), offered("large"), slow, template("file"), dash]).await;
    let told = get(&server, &id).await;
    let kinds: Vec<_> =
        told["TranscodeTemplateList"].as_array().unwrap().iter().map(|one| one["Type"].clone()).collect();
    assert_eq!(kinds, ["VideoPackage", "Normal", "Normal", "Normal", "VideoPackage"]);
    let mut first = told["TranscodeTemplateList"][0].clone();
    let text = json!({"PackageType": "HLSPackage", "PackageConfig": {"BandWidth": "900000"}}).to_string();
    let package_id = first["TranscodeTemplateId"].take();
    assert_eq!(
        first,
        json!({"TranscodeTemplateId": null, "TemplateName": "hls", "Type": "VideoPackage", "Definition": "AUTO",
               "PackageSetting": text})
    );
    let stored = server.catalog.template_group(&id).await.unwrap().unwrap().templates;
    let found: Vec<_> =
        stored.iter().map(|one| (one.template.format, one.template.is_packed(), one.template.bandwidth_bps)).collect();
    assert_eq!(
        found,
        [
            (Format::M3u8, false, None),
            (Format::M3u8, true, None),
            (Format::M3u8, true, Some(1_200_000)),
            (Format::Mp4, false, None),
            (Format::Mpd, false, None),
        ]
    );
    assert_eq!(stored[0].template.content, Content::Package { network_bps: Some(900_000) });
    assert_eq!(stored[4].template.content, Content::Package { network_bps: None });

    // What a package offers can be changed, and not taken from under it by a change.
    let group = ("TranscodeTemplateGroupId", id.as_str());
    let changes = |ids: &[&Value]| {
        let one =
            |id: &&Value| json!({"TranscodeTemplateId": id, "Container": {"Format": "mp4"}, "PackageSetting": {}});
        Value::from(ids.iter().map(one).collect::<Vec<_>>()).to_string()
    };
    let ids = [1, 2].map(|at| &told["TranscodeTemplateList"][at]["TranscodeTemplateId"]);
    let (one, both) = (changes(&ids[..1]), changes(&ids));
    let wrong = [group, ("TranscodeTemplateList", both.as_str())];
    assert_eq!(code(&server, "UpdateTranscodeTemplateGroup", &wrong).await, (400, "InvalidParameter".into()));
    let right = [group, ("TranscodeTemplateList", one.as_str())];
    server.ok(VOD, "UpdateTranscodeTemplateGroup", &right).await;
    let dash =
        json!([{"TranscodeTemplateId": package_id, "PackageSetting": {"PackageType": "DASHPackage"}}]).to_string();
    server.ok(VOD, "UpdateTranscodeTemplateGroup", &[group, ("TranscodeTemplateList", &dash)]).await;
    let stored = server.catalog.template_group(&id).await.unwrap().unwrap().templates.remove(0).template;
    assert_eq!((stored.format, stored.content), (Format::Mpd, Content::Package { network_bps: None }));
}

#[tokio::test]
async fn a_package_without_anything_to_offer_is_refused_in_plain_words() {
    let server = Server::empty().await;
    let hls = || package("all", json!({"PackageType": "HLSPackage"}));
    let with = |key: &str, value: Value| {
        let mut one = hls();
        one[key] = value;
        one
    };
    let mut part = offered("part");
    part["Clip"] = json!({"TimeSpan": {"End": "5"}});
    let mut sound = sound("sound", "AAC", "mp4");
    sound["Container"] = json!({"Format": "m3u8"});
    let as_they_are = "a package offers the outputs of the other templates as they are; leave it out";
    for (templates, wanted) in [
        (vec![hls(), template("file"), sound], "the package all: the group has no template with pictures in m3u8"),
        (
            vec![hls(), offered("whole"), part],
            "the package all: the templates in m3u8 that it offers have different Clips",
        ),
        (vec![with("Video", json!({"Codec": "H.264"}))], as_they_are),
        (vec![with("Clip", json!({"TimeSpan": {"End": "5"}}))], as_they_are),
        (vec![with("Rotate", json!(90))], as_they_are),
        (vec![with("Container", json!({"Format": "mp4"}))], "template 1, Container.Format: m3u8 is possible here"),
        (
            vec![with("PackageSetting", json!({"PackageType": "CMAF"}))],
            "PackageSetting.PackageType: one of HLSPackage, DASHPackage",
        ),
    ] {
        let list = list(&templates);
        let params = [("Name", "n"), ("TranscodeTemplateList", list.as_str())];
        let (status, answer) = server.call(VOD, "AddTranscodeTemplateGroup", &params).await;
        assert_eq!((status, answer["Code"].as_str()), (400, Some("InvalidParameter")), "{wanted}: {answer}");
        assert!(answer["Message"].as_str().unwrap().contains(wanted), "{wanted}: {answer}");
    }
}

#[tokio::test]
async fn sound_or_pictures_alone_are_possible_and_neither_is_not() {
    let server = Server::empty().await;
    let mut sound = template("sound");
    sound["Definition"] = json!("HQ");
    sound["Video"] = Value::Null;
    let mut pictures = template("pictures");
    pictures["Audio"] = json!({"Remove": "true"});
    let id = add(&server, "alone", &[sound, pictures.clone()]).await;
    let templates = server.catalog.template_group(&id).await.unwrap().unwrap().templates;
    let there: Vec<_> = templates
        .iter()
        .map(|stored| (stored.template.profile.video.is_some(), stored.template.profile.audio.is_some()))
        .collect();
    assert_eq!(there, [(false, true), (true, false)]);
    pictures["Video"] = json!({"Remove": true});
    let neither = list(&[pictures]);
    let params = [("Name", "n"), ("TranscodeTemplateList", neither.as_str())];
    assert_eq!(code(&server, "AddTranscodeTemplateGroup", &params).await.0, 400);
}

#[tokio::test]
async fn what_the_host_cannot_encode_is_refused_when_it_is_asked_for() {
    let all = Capabilities::default();
    for (encoder, asked, wanted) in [
        (
            Capabilities { h264: false, ..all },
            template("a"),
            "Video.Codec: this server has no encoder for H.264: its FFmpeg lacks libx264",
        ),
        (
            Capabilities { mp3: false, ..all },
            sound("a", "MP3", "mp3"),
            "Audio.Codec: this server has no encoder for MP3: its FFmpeg lacks libmp3lame",
        ),
    ] {
        let server = Server::with(Settings { encoder, ..Settings::default() }, now).await;
        let list = list(&[asked]);
        let params = [("Name", "n"), ("TranscodeTemplateList", list.as_str())];
        let (status, answer) = server.call(VOD, "AddTranscodeTemplateGroup", &params).await;
        assert_eq!(status, 400);
        assert!(answer["Message"].as_str().unwrap().contains(wanted), "{answer}");
    }
}
