//! The operator is told of a disk in trouble, once, and of its end, once, while everything else goes on.

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push};
use testkit::receiver::{Delivery, Receiver};
use testkit::server::Server;

use crate::live::wait_online;
use crate::support::{add_rule, reprise, wait_settled};

const KEY: &str = "Operators0Key";
/// An alarm is told within ten seconds, its end after ten more; a loaded machine takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Runs a program for which a write beyond its limit is an error and not its end.
const RUNNER: [&str; 4] = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];

/// No file of the server may grow beyond its first byte any more, the catalog's and the log's included; or all may again.
fn let_files_grow(server: &Server, grow: bool) {
    let pid = Pid::from_raw(i32::try_from(server.pid().unwrap()).unwrap());
    let current = if grow { None } else { Some(1) };
    prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
}

fn told<'a>(all: &'a [Delivery], status: &str) -> Vec<&'a Delivery> {
    all.iter().filter(|one| one.event_type() == "RecorderDiskAlarm" && one.body["Status"] == status).collect()
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told_once_signed_and_so_is_its_end() {
    let receiver = Receiver::start().await.unwrap();
    let settings = [("REPRISE_ALARM__URL", receiver.url()), ("REPRISE_ALARM__KEY", KEY)];
    let mut server = Server::start_in(reprise(), &settings, &std::env::temp_dir(), &RUNNER).await.unwrap();
    add_rule(&server.api(), "alarm", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 90, key_seconds: 1, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("alarm", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    let_files_grow(&server, false);
    // The receiver is away at first.
    receiver.fail_next(1);
    let all = receiver.wait(PATIENCE, |all| all.len() >= 2).await.unwrap();
    assert_eq!(all[0].body, all[1].body);
    assert_eq!((all[0].answered, all[1].answered), (500, 200));
    for one in &all {
        one.check_signature(receiver.url(), KEY).unwrap();
    }
    let raised = told(&all, "raised")[0].body.clone();
    assert_eq!((raised["Cause"].as_str(), raised["Node"].as_str()), (Some("failed"), Some("local")));
    assert_eq!(raised["Streams"], serde_json::json!(["play.localhost/alarm/s"]));
    assert_eq!(raised["StreamCount"], 1);

    let_files_grow(&server, true);
    let all = receiver.wait(PATIENCE, |all| !told(all, "cleared").is_empty()).await.unwrap();
    let cleared = told(&all, "cleared");
    cleared[0].check_signature(receiver.url(), KEY).unwrap();
    assert_eq!(cleared[0].body["AlarmId"], raised["AlarmId"]);
    assert_eq!(cleared[0].body["Since"], raised["Since"]);
    assert!(cleared[0].body["Until"].as_str() > raised["Since"].as_str());
    publisher.kill().await.unwrap();
    // It went on by itself, and nobody was told more.
    wait_settled(&server, "s").await;
    let all = receiver.deliveries();
    assert_eq!((told(&all, "raised").len(), told(&all, "cleared").len(), all.len()), (2, 1, 3));
    server.stop().await.unwrap();
}
