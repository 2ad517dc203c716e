//! The recording that grows can be watched, back to its first second, and close to the live edge.

use std::cell::RefCell;

use anyhow::{Context, bail, ensure};
use reqwest::Url;
use testkit::browser::play_live;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push};
use testkit::probe::{decode_complaints, decoded};
use testkit::server::{Server, until};

use crate::support::{PLAY_DOMAIN, SOON, probe_file, server_recording, wait_recorded};

/// Waits until the API lists the stream as live.
pub async fn wait_online(server: &Server, stream: &str) {
    let look = || async {
        let params = [("DomainName", PLAY_DOMAIN)];
        let answer = server.api().live("DescribeLiveStreamsOnlineList", &params).await?;
        let list = answer["OnlineInfo"]["LiveStreamOnlineInfo"].as_array().cloned().unwrap_or_default();
        if !list.iter().any(|info| info["StreamName"] == stream) {
            bail!("{stream} is not online: {answer}");
        }
        Ok(())
    };
    until(SOON, look).await.unwrap();
}

#[tokio::test]
async fn a_growing_recording_plays_from_its_first_second() {
    let server = server_recording("live", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 16, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("live", "s"), Pace::Times(1.0)).unwrap();
    let url = server.http_url(&format!("/l/{PLAY_DOMAIN}/live/s.m3u8"));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("live.mp4");
    // The first four seconds, taken while the push is still going on.
    let look = || async {
        let mut ffmpeg = tokio::process::Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y", "-live_start_index", "0", "-i", &url, "-t", "4", "-c", "copy"]);
        let output = ffmpeg.arg(&copy).output().await?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    };
    until(SOON, look).await.unwrap();
    let list = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(!list.contains("#EXT-X-ENDLIST"), "the stream is still live: {list}");

    let (seen, source) = (probe_file(&copy).await, probe_file(&clip).await);
    let hashes = |packets: Vec<&testkit::probe::Packet>| packets.iter().map(|p| p.hash.clone()).collect::<Vec<_>>();
    let (seen, source) = (hashes(seen.track("audio")), hashes(source.track("audio")));
    // Sound that lies before the first picture is not copied by ffmpeg: the run-in of the coder.
    let first = source.iter().position(|hash| *hash == seen[0]).unwrap();
    assert!(first <= 1 && seen.len() > 150, "begins at {first}, has {}", seen.len());
    assert_eq!(seen[..150], source[first..first + 150], "the live list begins where the push began");

    publisher.finish().await.unwrap();
    wait_recorded(&server, "s", 1).await;
}

/// What a playlist names in lines of their own, resolved.
fn named(base: &Url, text: &str) -> Vec<Url> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|uri| base.join(uri).unwrap()).collect()
}

/// What it names in attributes of a tag.
fn tagged(base: &Url, text: &str, tag: &str) -> Vec<Url> {
    let uri = |line: &str| Some(line.strip_prefix(tag)?.split_once("URI=\"")?.1.split('"').next()?.to_owned());
    text.lines().filter_map(uri).map(|uri| base.join(&uri).unwrap()).collect()
}

async fn bytes(url: &Url) -> anyhow::Result<Vec<u8>> {
    Ok(reqwest::get(url.clone()).await?.error_for_status()?.bytes().await?.to_vec())
}

async fn text(url: &Url) -> anyhow::Result<String> {
    Ok(String::from_utf8(bytes(url).await?)?)
}

/// Parts are fetched while their segment is open: when it is sealed it is these, end to end, and they decode.
async fn check_parts(playlist: &Url) {
    let folder = tempfile::tempdir().unwrap();
    let (segment, parts) = (RefCell::new(None), RefCell::new(Vec::new()));
    let load = async |told: &[Url]| -> anyhow::Result<()> {
        let had = parts.borrow().len();
        for part in told.iter().skip(had) {
            let part = bytes(part).await?;
            parts.borrow_mut().push(part);
        }
        Ok(())
    };
    let whole = until(SOON, async || {
        let list = text(playlist).await?;
        let tail = list.rsplit("\n#EXTINF:").next().context("a segment")?;
        let open = tagged(playlist, tail, "#EXT-X-PART:");
        let name = open.first().and_then(|part| Some(part.as_str().split_once(".0.m4s")?.0.to_owned()));
        let wanted = segment.borrow_mut().get_or_insert_with(|| name.clone().unwrap_or_default()).clone();
        ensure!(!wanted.is_empty() || segment.borrow_mut().take().is_none(), "no segment is open");
        if name.as_ref() == Some(&wanted) {
            load(&open).await?;
        }
        let sealed = named(playlist, &list).into_iter().find(|url| url.as_str() == format!("{wanted}.m4s"));
        let sealed = sealed.context("it is still open")?;
        // The last ones may have come together with the end of the segment.
        let name = sealed.path_segments().and_then(Iterator::last).context("a name")?.replace(".m4s", ".");
        let all = tagged(playlist, &list, "#EXT-X-PART:");
        load(&all.into_iter().filter(|part| part.path().contains(&format!("/{name}"))).collect::<Vec<_>>()).await?;
        bytes(&sealed).await
    })
    .await
    .unwrap();
    let parts = parts.into_inner();
    assert!(parts.len() >= 5, "{} parts", parts.len());
    assert!(parts.concat() == whole, "the segment is its parts");
    let list = text(playlist).await.unwrap();
    let init = bytes(tagged(playlist, &list, "#EXT-X-MAP:").last().unwrap()).await.unwrap();
    let file = folder.path().join("parts.mp4");
    std::fs::write(&file, [init, parts.concat()].concat()).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(decode_complaints(file).await.unwrap(), "", "{playlist}");
    let (pictures, samples) = decoded(file).await.unwrap();
    assert!(pictures > 50 || samples > 100_000, "{pictures} pictures, {samples} samples of sound");
}

#[tokio::test]
async fn what_is_pushed_is_watched_in_parts_before_its_segment_is_whole() {
    let server = server_recording("live", 600, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 60, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("live", "s"), Pace::Times(1.0)).unwrap();
    let low = server.http_url(&format!("/l/{PLAY_DOMAIN}/live/s/low.m3u8")).parse::<Url>().unwrap();
    let list = until(SOON, async || text(&low).await).await.unwrap();
    let [video] = &named(&low, &list)[..] else { panic!("{list}") };
    let [audio] = &tagged(&low, &list, "#EXT-X-MEDIA:")[..] else { panic!("{list}") };
    check_parts(video).await;
    check_parts(audio).await;

    let seen = play_live(low.as_str(), 12).await.unwrap();
    // A machine that is busy may make it wait for a part, which it says and gets over.
    assert!(seen.errors.iter().all(|error| error.contains("mild")), "{seen:?}");
    assert!(seen.parts > 20 && seen.frames > 200, "{seen:?}");

    // What is wanted next is waited for, and nothing that is far ahead.
    let list = text(video).await.unwrap();
    let next = named(video, &list).len();
    let ask = |query: String| {
        let mut url = video.clone();
        url.set_query(Some(&query));
        reqwest::get(url)
    };
    let answer = ask(format!("_HLS_msn={next}")).await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "public, max-age=36");
    assert!(answer.text().await.unwrap().contains(&format!("\nv{next}.m4s\n")));
    for query in [format!("_HLS_msn={}", next + 9), "_HLS_part=1".to_owned()] {
        assert_eq!(ask(query.clone()).await.unwrap().status(), 400, "{query}");
    }
    publisher.kill().await.unwrap();
    // Nobody waits for what never comes.
    until(SOON, async || {
        let next = named(video, &text(video).await?).len();
        let list = ask(format!("_HLS_msn={next}")).await?.text().await?;
        ensure!(list.ends_with("#EXT-X-ENDLIST\n"), "{list}");
        Ok(())
    })
    .await
    .unwrap();
    wait_recorded(&server, "s", 1).await;
}
