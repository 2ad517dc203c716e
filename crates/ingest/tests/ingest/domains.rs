//! Whose push it is, and whether it may be.

use std::time::{SystemTime, UNIX_EPOCH};

use blobs::{Measured, Turn};
use catalog::{Block, DomainStatus};
use ingest::Settings;
use rpc::url_auth::UrlAuth;
use testkit::publisher::Publisher;
use units::{StreamPath, WallTime};

use crate::world::{AUTH_VALIDITY_S, World, auth_args};

const KEY: &str = "0123456789abcdef";

fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

#[tokio::test]
async fn the_domain_is_told_by_vhost_then_by_host_and_strangers_fall_to_the_default() {
    let mut world = World::start().await;
    world.add_pair("push.example.org", "play.example.org").await;
    let address = world.address.to_string();
    for (tc_url, name, path, asked) in [
        ("rtmp://push.example.org/cup", "a", "play.example.org/cup/a", "push.example.org"),
        ("rtmp://PLAY.example.org:1935/cup", "b", "play.example.org/cup/b", "play.example.org"),
        ("rtmp://10.0.0.1/cup", "c?vhost=push.example.org&x=1", "play.example.org/cup/c", "push.example.org"),
        ("rtmp://10.0.0.1/cup", "d", "play.localhost/cup/d", "push.localhost"),
    ] {
        let publisher = Publisher::connect_to(&address, tc_url, "cup", name).await.unwrap();
        let push = world.next_push().await;
        assert_eq!(push.info.path.to_string(), path);
        let row = world.catalog.push(push.info.push).await.unwrap().unwrap();
        assert_eq!((row.info.publish_domain.as_str(), row.ended), (asked, None));
        publisher.unpublish().await.unwrap();
    }
    world.stop().await;
}

#[tokio::test]
async fn a_stopped_domain_takes_nothing_and_the_default_does_not_help() {
    let world = World::start().await;
    world.add_pair("push.example.org", "play.example.org").await;
    let stopped = WallTime::from_unix_ms(2);
    world.catalog.set_domain_status("play.example.org", DomainStatus::Offline, stopped).await.unwrap();
    for host in ["push.example.org", "play.example.org"] {
        let told = world.refusal(&format!("cup/a?vhost={host}")).await;
        assert!(told.contains("does not take pushes"), "{told}");
    }
    world.catalog.delete_domain("push.localhost").await.unwrap();
    assert!(world.refusal("cup/a").await.contains("is not a domain of this server"));
    world.stop().await;
}

#[tokio::test]
async fn names_that_are_no_path_are_refused() {
    let world = World::start().await;
    for path in ["cup/", "/a", "cup/a%2fb", "cup/a b"] {
        let told = world.refusal(path).await;
        assert!(told.contains("address is not usable"), "{path}: {told}");
    }
    world.stop().await;
}

#[tokio::test]
async fn type_a_lets_in_who_holds_a_key_and_nobody_else() {
    let mut world = World::start().await;
    // On the play domain: it holds for the push domain that has no word of its own.
    world.sign("play.localhost", KEY).await;
    let signed = |path: &str, key: &str, at| {
        let auth = UrlAuth::of_args(&auth_args(key)).unwrap().unwrap();
        let url = auth.until(WallTime::from_unix_s(at + AUTH_VALIDITY_S)).url(path);
        url.split_once('?').unwrap().1.to_owned()
    };
    for (query, reason) in [
        (String::new(), "not signed"),
        (signed("/cup/a", "anotherkey123", now_s()), "does not match"),
        (signed("/cup/b", KEY, now_s()), "does not match"),
        (signed("/cup/a", KEY, now_s() - 700), "expired"),
        ("auth_key=1-2".to_owned(), "not of the form"),
    ] {
        let told = world.refusal(&format!("cup/a?{query}")).await;
        assert!(told.contains("not authorised") && told.contains(reason), "{told}");
        assert!(!told.contains(KEY));
    }
    let publisher = world.publish(&format!("cup/a?x=1&{}", signed("/cup/a", KEY, now_s()))).await;
    let push = world.next_push().await;
    // Neither the hub nor the row knows the secret.
    assert_eq!(push.info.params, "x=1");
    assert_eq!(world.catalog.push(push.info.push).await.unwrap().unwrap().info.params, "x=1");
    publisher.unpublish().await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn a_blocked_stream_is_refused_until_the_block_is_over() {
    let world = World::start().await;
    let path = StreamPath::new("play.localhost", "cup", "a").unwrap();
    let block = |until| Block { path: path.clone(), until, created: WallTime::from_unix_ms(1) };
    world.catalog.add_block(&block(None)).await.unwrap();
    assert!(world.refusal("cup/a").await.contains("blocked"));
    world.catalog.add_block(&block(Some(WallTime::from_unix_s(now_s() - 1)))).await.unwrap();
    world.publish("cup/a").await.unpublish().await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn past_its_places_the_server_refuses_clearly_and_takes_back_who_returns() {
    let world = World::start_with(Settings { pushes_max: 2, ..Settings::default() }).await;
    let first = world.publish("cup/a").await;
    let _second = world.publish("cup/b").await;
    assert!(world.refusal("cup/c").await.contains("server is at capacity"));
    let returned = world.publish("cup/a").await;
    drop(first);
    let live: Vec<_> = world.hub.live().into_iter().map(|push| push.path.to_string()).collect();
    assert_eq!(live, ["play.localhost/cup/a", "play.localhost/cup/b"]);
    returned.unpublish().await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn on_a_nearly_full_disk_nothing_new_begins_and_what_runs_goes_on() {
    let world = World::start().await;
    let running = world.publish("cup/a").await;
    let disk = |free| Measured { total: 1 << 40, free };
    assert_eq!(world.space.note(disk(1 << 20)), Turn::Low);
    let told = world.refusal("cup/b").await;
    assert!(told.contains("disk is nearly full"), "{told}");
    // A publisher that takes its own place again is let in.
    let returned = world.publish("cup/a").await;
    drop(running);
    // There is room again, without a restart.
    assert_eq!(world.space.note(disk(1 << 35)), Turn::Enough);
    world.publish("cup/b").await.unpublish().await.unwrap();
    returned.unpublish().await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn playing_is_refused_with_a_hint() {
    let world = World::start().await;
    let output =
        tokio::process::Command::new("ffprobe").args(["-v", "error", &world.url("cup/a")]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("not offered"), "{said}");
    world.stop().await;
}
