//! What a template may ask for beside size and bits: another rate, a part, a turn, passes, a name. Judged picture by picture.

use serde_json::{Value, json};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::probe::{brightness, decode_complaints, decoded, likeness, probe};
use testkit::server::Server;

use crate::formats::{size, streams, url};
use crate::support::{PLAY_DOMAIN, Recorded, mp4};
use crate::transcoding::{server_with, shown, wait_status};
use crate::upkeep::check;

/// Decibels: what is encoded well is above 30 here, and what is off by one picture below 20.
const ALIKE: f64 = 26.0;

/// A template of good quality with more to it.
fn template(name: &str, video: Value, more: Value) -> Value {
    let mut one = json!({
        "TemplateName": name, "Definition": "LD",
        "Video": {"Codec": "H.264", "Crf": 18, "Width": 320, "Preset": "veryfast"},
        "Audio": {"Codec": "AAC", "Bitrate": 64}, "Container": {"Format": "mp4"},
        "TranscodeFileRegular": format!("{name}-{{JobId}}"),
    });
    one["Video"].as_object_mut().unwrap().extend(video.as_object().unwrap().clone());
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one
}

/// A clip of so many seconds under these templates; its URLs in their order.
async fn made(templates: &[Value], seconds: u32) -> (Server, Recorded, Vec<String>) {
    let (server, _) = server_with(templates, 200).await;
    let clip = clips::synthetic(&Recipe { seconds, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let streams = streams(&server, &asset, templates.len()).await;
    let urls = templates.iter().map(|template| {
        let name = format!("/{}-", template["TemplateName"].as_str().unwrap());
        let stream = streams.iter().find(|stream| url(stream).contains(&name));
        url(stream.unwrap_or_else(|| panic!("{name} in {streams:?}")))
    });
    (server, asset, urls.collect())
}

fn mean(alike: &[f64]) -> f64 {
    // Equal pictures are infinitely alike.
    alike.iter().map(|one| one.min(60.0)).sum::<f64>() / f64::from(u32::try_from(alike.len()).unwrap())
}

fn worst(alike: &[f64]) -> f64 {
    alike.iter().copied().fold(f64::INFINITY, f64::min)
}

#[tokio::test]
async fn another_rate_shows_the_picture_that_is_latest_at_each_place() {
    let rates =
        [("30", "30", "H.264"), ("29.97", "30000/1001", "H.264"), ("12.5", "25/2", "H.265"), ("1", "1", "H.264")];
    let template = |(fps, _, codec): &(&str, &str, &str)| {
        template(&format!("at{}", fps.replace('.', "_")), json!({"Fps": fps, "Codec": codec}), json!({}))
    };
    let (mut server, asset, urls) = made(&rates.each_ref().map(template), 70).await;
    let source = mp4(&server, &asset);
    for ((fps, rate, _), url) in rates.iter().zip(&urls) {
        let seen = probe(url).await.unwrap();
        assert_eq!(decode_complaints(url).await.unwrap(), "", "{fps}");
        let times = shown(&seen);
        let (above, below) = rate.split_once('/').unwrap_or((rate, "1"));
        let step = below.parse::<f64>().unwrap() / above.parse::<f64>().unwrap();
        #[allow(clippy::cast_precision_loss, reason = "some thousand pictures")]
        let even = times.iter().enumerate().all(|(number, at)| (at - number as f64 * step).abs() < 0.0005);
        assert!(even, "{fps}: {:?}", &times[..20.min(times.len())]);
        let last = times.last().unwrap();
        assert!((70.0 - last) <= step + 0.001 && *last < 70.0, "{fps}: the last of {} is shown at {last}", times.len());
        let alike = likeness(url, &source, &format!("fps={rate}:round=up")).await.unwrap();
        let bad: Vec<usize> = alike.iter().enumerate().filter(|(_, one)| **one < ALIKE).map(|(n, _)| n).collect();
        assert!(
            alike.len() >= times.len() && worst(&alike[..times.len()]) > ALIKE,
            "{fps}: {} of {} {:?}",
            worst(&alike),
            alike.len(),
            bad
        );
    }
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn a_clip_has_exactly_the_pictures_and_the_sound_of_its_part() {
    let part = |name: &str, video: Value, span: Value| template(name, video, json!({"Clip": {"TimeSpan": span}}));
    let (mut server, asset, urls) = made(
        &[
            part("middle", json!({}), json!({"Seek": "10.48", "End": "00:00:40.2"})),
            part("bits", json!({"Crf": "", "Bitrate": 400}), json!({"Seek": "5.2", "Duration": "1.16"})),
            part("start", json!({"Codec": "H.265"}), json!({"End": "7.04"})),
            part("rest", json!({"Fps": 50}), json!({"Seek": "63.6"})),
            part("all", json!({}), json!({"Seek": "0", "End": "100"})),
            template("whole", json!({}), json!({})),
            part("border", json!({}), json!({"Seek": "0.02", "Duration": "0.03"})),
        ],
        70,
    )
    .await;
    let source = mp4(&server, &asset);
    let wanted = [(262, 1005), (130, 159), (0, 176), (1590, 1750), (0, 1750), (0, 1750), (1, 2)];
    for (url, (from, to)) in urls.iter().zip(wanted) {
        let seen = probe(url).await.unwrap();
        assert_eq!(decode_complaints(url).await.unwrap(), "", "{url}");
        let filter = format!("trim=start_frame={from}:end_frame={to}");
        let (filter, count) = match url.contains("/rest-") {
            true => (format!("{filter},setpts=PTS-STARTPTS,fps=50:round=up"), 2 * (to - from)),
            false => (filter, to - from),
        };
        let times = shown(&seen);
        assert_eq!((times.len(), times[0]), (count, 0.0), "{url}");
        let alike = likeness(url, &source, &filter).await.unwrap();
        assert!(alike.len() >= count && worst(&alike[..count]) > ALIKE, "{url}: {}", worst(&alike));
        let seconds = f64::from(u32::try_from(to - from).unwrap()) / 25.0;
        let heard = f64::from(u32::try_from(decoded(url).await.unwrap().1).unwrap()) / 44_100.0;
        assert!((heard - seconds).abs() < 0.06, "{heard} s of sound for {seconds}: {url}");
    }
    server.stop().await.unwrap();
    // What is taken whole is the same as without a clip.
    let rows = crate::transcoding::all_rows(&server).await;
    assert_eq!(rows["rendition"].len(), 12, "six of pictures, six of sound");
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn pictures_are_turned_and_bits_are_shared_out_as_asked() {
    let bits = json!({"Crf": "", "Bitrate": 300});
    let (mut server, asset, urls) = made(
        &[
            template("right", json!({"Width": 180}), json!({"Rotate": "90"})),
            template("over", json!({}), json!({"Rotate": 180})),
            template("left", json!({"Codec": "H.265", "Width": ""}), json!({"Rotate": "270"})),
            template("two", bits.clone(), json!({"TransConfig": {"TransMode": "twopass"}})),
            template("constant", bits.clone(), json!({"TransConfig": {"TransMode": "CBR"}})),
            template(
                "two265",
                json!({"Codec": "H.265", "Crf": "", "Bitrate": 300}),
                json!({"TransConfig": {"TransMode": "twopass"}}),
            ),
            template("even", json!({"ScanMode": "progressive"}), json!({})),
        ],
        36,
    )
    .await;
    let source = mp4(&server, &asset);
    let turns = ["transpose=clock", "hflip,vflip", "transpose=cclock", "null", "null", "null", "null"];
    for (url, turn) in urls.iter().zip(turns) {
        let seen = probe(url).await.unwrap();
        assert_eq!(decode_complaints(url).await.unwrap(), "", "{url}");
        let video = seen.stream("video").unwrap();
        let wanted = if turn.starts_with("transpose") { (180, 320) } else { (320, 180) };
        assert_eq!((video.width, video.height), wanted, "{url}");
        let alike = likeness(url, &source, turn).await.unwrap();
        assert!(alike.len() == 900 && worst(&alike) > 20.0, "{url}: {} pictures, {}", alike.len(), worst(&alike));
        if turn != "null" || url.contains("/even-") {
            continue;
        }
        // The average holds, and where it was asked for, each chunk's.
        let packets = seen.track("video");
        let kbps = |from: f64, to: f64| {
            let bytes: u64 = packets.iter().filter(|one| (from..to).contains(&one.pts)).map(|one| one.size).sum();
            f64::from(u32::try_from(bytes).unwrap()) * 8.0 / (to - from) / 1_000.0
        };
        assert!((kbps(0.0, 36.0) - 300.0).abs() < 30.0, "{url}: {} kb/s", kbps(0.0, 36.0));
        if url.contains("/constant-") {
            for second in [4, 14, 20, 32] {
                let rate = kbps(f64::from(second), f64::from(second) + 4.0);
                assert!((rate - 300.0).abs() < 45.0, "{url}: {rate} kb/s from second {second}");
            }
        }
    }
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn fields_are_made_one_picture_where_that_is_asked_for() {
    let templates = [
        template("as_it_is", json!({}), json!({})),
        template("even", json!({"ScanMode": "progressive"}), json!({})),
        template("even_fast", json!({"ScanMode": "progressive", "Fps": 50, "Codec": "H.265"}), json!({})),
    ];
    let (server, _) = server_with(&templates, 200).await;
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("fields.flv");
    let made = tokio::process::Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=50:duration=8"])
        .args(["-f", "lavfi", "-i", "sine=duration=8", "-vf", "tinterlace=mode=interleave_top", "-c:a", "aac"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-flags", "+ildct+ilme", "-g", "50"])
        .arg(&clip)
        .status()
        .await
        .unwrap();
    assert!(made.success());
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let source = mp4(&server, &asset);
    let even = "yadif=mode=send_frame:deint=interlaced";
    for stream in streams(&server, &asset, templates.len()).await {
        let url = url(&stream);
        let filter = match (url.contains("/even-"), url.contains("/even_fast-")) {
            (true, _) => even.to_owned(),
            (_, true) => format!("{even},fps=50:round=up"),
            (false, false) => "null".to_owned(),
        };
        let alike = likeness(&url, &source, &filter).await.unwrap();
        let count = if url.contains("fast") { 400 } else { 200 };
        assert!(alike.len() >= count && worst(&alike[..count]) > ALIKE, "{url}: {} of {}", worst(&alike), alike.len());
        // Nearer to that than to the other.
        let other = if filter == "null" { even } else { "null" };
        let other = likeness(&url, &source, &filter.replace(even, "null").replace("null", other)).await.unwrap();
        assert!(mean(&alike[..count]) > mean(&other[..count]) + 2.0, "{url}: {}, {}", mean(&alike), mean(&other));
    }
}

#[tokio::test]
async fn a_video_of_two_sizes_and_two_sounds_is_made_one_of_one_kind() {
    let one = |name: &str, video| template(name, video, json!({}));
    let templates = [one("h264", json!({})), one("h265", json!({"Codec": "H.265", "Height": 180, "Width": ""}))];
    let (mut server, _) = server_with(&templates, 200).await;
    let path = [("DomainName", PLAY_DOMAIN), ("AppName", "match")];
    let rule = [("StreamName", "*"), ("DelayTime", "12")];
    server.api().live("UpdateLiveRecordVodConfig", &[&path[..], &rule].concat()).await.unwrap();
    let wide = Recipe { seconds: 10, ..Recipe::default() };
    let narrow = Recipe { size: "240x180", rate: "30", sample_rate: 44_100, ..wide.clone() };
    let both = [clips::synthetic(&wide).await.unwrap(), clips::synthetic(&narrow).await.unwrap()];
    for clip in both {
        push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    }
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let head = async |url: &str| reqwest::get(url).await.unwrap().bytes().await.unwrap().slice(..20_000);
    let has = |head: &[u8], kind: &[u8]| head.windows(4).any(|four| four == kind);
    assert!(has(&head(&mp4(&server, &asset)).await, b"avc3"), "the source has two sets of parameters");
    for stream in streams(&server, &asset, 2).await {
        let url = url(&stream);
        let (moov, seen) = (head(&url).await, probe(&url).await.unwrap());
        assert!(has(&moov, b"avc1") || has(&moov, b"hvc1"), "{stream}");
        assert!(!has(&moov, b"avc3") && !has(&moov, b"hev1"), "{stream}");
        assert_eq!(decoded(&url).await.unwrap().0, 250 + 300, "{stream}");
        assert_eq!((seen.streams.len(), shown(&seen).len()), (2, 250 + 300), "{stream}");
        let size = seen.stream("video").map(|video| (video.width, video.height)).unwrap();
        assert_eq!(size, (320, 180), "{stream}");
        // What is narrower has bars beside it, and is not stretched.
        for (number, bars) in [(100, false), (400, true)] {
            let pixels = brightness(&url, number).await.unwrap();
            let row = &pixels[90 * 320..91 * 320];
            let black = |from: usize, to: usize| row[from..to].iter().all(|pixel| *pixel < 24);
            assert_eq!((black(0, 36), black(284, 320)), (bars, bars), "{stream}, picture {number}: {row:?}");
            assert!(!black(60, 260), "{stream}, picture {number}: {row:?}");
        }
    }
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn the_source_is_delivered_as_it_is_in_any_container_that_holds_it() {
    let od = |format: &str| {
        json!({"TemplateName": format, "Definition": "OD", "Container": {"Format": format},
               "TranscodeFileRegular": format!("{format}-{{JobId}}_{{PlayDefinition}}")})
    };
    let (mut server, asset, urls) = made(&[od("mp4"), od("flv"), od("m3u8")], 70).await;
    let source = probe(&mp4(&server, &asset)).await.unwrap();
    let hashes = |probe: &testkit::probe::Probe, kind| {
        probe.track(kind).iter().map(|packet| packet.hash.clone()).collect::<Vec<_>>()
    };
    for url in &urls {
        assert!(url.contains("_od."), "{url}");
        let seen = probe(url).await.unwrap();
        assert_eq!(hashes(&seen, "video"), hashes(&source, "video"), "{url}");
        assert_eq!(decode_complaints(url).await.unwrap(), "", "{url}");
        if !url.ends_with(".m3u8") {
            assert!(size(url).await > 100_000);
        }
    }
    server.stop().await.unwrap();
    let rows = crate::transcoding::all_rows(&server).await;
    assert!(!rows.contains_key("rendition"), "nothing is encoded");
    check(&server, &["--deep"], 0).await;
}
