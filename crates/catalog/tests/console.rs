//! Users and sessions of the console, the marks of what has changed, and how the installation stands, on both databases.

mod support;

use std::time::Duration;

use catalog::*;
use units::{StreamPath, WallTime};

support::contract! {
    a_user_is_found_changed_and_deleted
    a_session_lasts_until_it_is_over_or_ended
    of_the_sessions_of_a_user_the_newest_stay
    a_change_has_another_mark
    what_there_is_is_counted
    there_is_one_test_stream
    a_lost_master_key_loses_the_users
}

const LIFE: Duration = Duration::from_secs(100);

fn at(second: i64) -> WallTime {
    WallTime::from_unix_s(1_772_359_200 + second)
}

fn user(name: &str) -> ConsoleUser {
    let password = PasswordHash::of("correct horse").unwrap();
    ConsoleUser { name: name.into(), password, role: Role::Operator, created: at(0), signed_in: None }
}

fn path() -> StreamPath {
    StreamPath::new("play.example.org", "cup", "a").unwrap()
}

fn push(catalog: &Catalog) -> NewPush {
    NewPush {
        id: catalog.ids().push(at(0)),
        path: path(),
        publish_domain: "push.example.org".into(),
        params: String::new(),
        client: "192.0.2.1".into(),
        server: "192.0.2.2".into(),
        node: "n1".into(),
        began: at(0),
    }
}

async fn sign_in(catalog: &Catalog, token: &str, user: &str, second: i64, most: u32) {
    let mut tx = catalog.begin().await.unwrap();
    tx.begin_console_session(token, user, at(second), at(second).after(LIFE), most).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_user_is_found_changed_and_deleted(catalog: Catalog) {
    catalog.unlock(&"a".repeat(64).parse().unwrap()).await.unwrap();
    assert!(!catalog.has_console_users().await.unwrap());
    let (ward, anna) = (user("ward"), user("anna"));
    assert!(catalog.add_console_user(&ward, 2).await.unwrap());
    assert!(catalog.add_console_user(&ward, 2).await.unwrap_err().is_already_exists());
    assert!(catalog.add_console_user(&anna, 2).await.unwrap());
    assert!(!catalog.add_console_user(&user("third"), 2).await.unwrap());
    assert!(catalog.has_console_users().await.unwrap());
    assert_eq!(catalog.console_users().await.unwrap(), [anna, ward.clone()], "by name");
    let stored = &catalog.all_rows().await.unwrap()["console_user"];
    assert!(stored.iter().all(|row| row["password"].as_str().unwrap().starts_with("sealed:")), "{stored:?}");

    sign_in(&catalog, "t1", "ward", 1, 5).await;
    assert_eq!(catalog.console_user("ward").await.unwrap().unwrap().signed_in, Some(at(1)));
    let role = ConsoleUserChange { role: Some(Role::Viewer), password: None };
    assert!(catalog.change_console_user("ward", &role, at(2)).await.unwrap());
    let session = catalog.console_session("t1", at(3)).await.unwrap().unwrap();
    assert_eq!((session.user.as_str(), session.role), ("ward", Role::Viewer), "a new role signs nobody out");
    let password = ConsoleUserChange { role: None, password: Some(PasswordHash::of("another horse").unwrap()) };
    assert!(catalog.change_console_user("ward", &password, at(4)).await.unwrap());
    assert_eq!(catalog.console_session("t1", at(5)).await.unwrap(), None);
    let changed = catalog.console_user("ward").await.unwrap().unwrap();
    assert!(changed.password.fits("another horse") && !changed.password.fits("correct horse"));

    sign_in(&catalog, "t2", "ward", 6, 5).await;
    assert!(catalog.delete_console_user("ward").await.unwrap());
    assert_eq!(catalog.console_session("t2", at(7)).await.unwrap(), None);
    assert!(!catalog.delete_console_user("ward").await.unwrap());
    assert!(!catalog.change_console_user("ward", &role, at(8)).await.unwrap());
}

async fn a_session_lasts_until_it_is_over_or_ended(catalog: Catalog) {
    catalog.add_console_user(&user("ward"), 9).await.unwrap();
    sign_in(&catalog, "t1", "ward", 0, 5).await;
    assert!(catalog.console_session("t1", at(99)).await.unwrap().is_some());
    assert_eq!(catalog.console_session("t1", at(100)).await.unwrap(), None);
    assert_eq!(catalog.console_session("t0", at(1)).await.unwrap(), None);
    catalog.prolong_console_session("t1", at(200)).await.unwrap();
    assert_eq!(catalog.console_session("t1", at(199)).await.unwrap().unwrap().expires, at(200));
    catalog.end_console_session("t1").await.unwrap();
    assert_eq!(catalog.console_session("t1", at(1)).await.unwrap(), None);
}

async fn of_the_sessions_of_a_user_the_newest_stay(catalog: Catalog) {
    for name in ["ward", "anna"] {
        catalog.add_console_user(&user(name), 9).await.unwrap();
    }
    sign_in(&catalog, "a1", "anna", 0, 2).await;
    for (token, second) in [("w1", 1), ("w2", 2), ("w3", 3)] {
        sign_in(&catalog, token, "ward", second, 2).await;
    }
    let mut there = Vec::new();
    for token in ["a1", "w1", "w2", "w3"] {
        if catalog.console_session(token, at(4)).await.unwrap().is_some() {
            there.push(token);
        }
    }
    assert_eq!(there, ["a1", "w2", "w3"]);
    sign_in(&catalog, "a2", "anna", 500, 2).await;
    assert_eq!(catalog.all_rows().await.unwrap()["console_session"].len(), 1, "what is over goes");
}

async fn a_change_has_another_mark(catalog: Catalog) {
    let mut known = catalog.marks().await.unwrap();
    assert_eq!(catalog.marks().await.unwrap(), known, "nothing has changed");
    let mut changed = async || {
        let marks = catalog.marks().await.unwrap();
        let topics: Vec<Topic> =
            marks.iter().zip(&known).filter(|(new, old)| new != old).map(|(new, _)| new.0).collect();
        known = marks;
        topics
    };
    let push = push(&catalog);
    catalog.insert_push(&push).await.unwrap();
    assert_eq!(changed().await, [Topic::Streams]);
    let stats = PushStats { video_kbps: 7, ..PushStats::default() };
    catalog.update_push_stats(&[(push.id, stats)]).await.unwrap();
    assert_eq!(changed().await, [], "rates are no change");
    let test = TestStream { push_domain: "push.example.org".into(), path: path(), until: at(600) };
    catalog.begin_test_stream(&test, at(0)).await.unwrap();
    assert_eq!(changed().await, [Topic::Jobs]);
    catalog.end_test_stream().await.unwrap();
    assert_eq!(changed().await, [Topic::Jobs, Topic::Events], "the end of a job may be that of a delivery");
    catalog.end_push(push.id, "lost", at(1)).await.unwrap();
    assert_eq!(changed().await, [Topic::Streams]);
}

async fn what_there_is_is_counted(catalog: Catalog) {
    assert_eq!(catalog.standing().await.unwrap(), Standing::default());
    let push = push(&catalog);
    catalog.insert_push(&push).await.unwrap();
    let stats =
        PushStats { video_kbps: 900, audio_kbps: 100, dropped_frames: 5, key_frame_ms: 2_000, ..PushStats::default() };
    catalog.update_push_stats(&[(push.id, stats.clone())]).await.unwrap();
    assert_eq!(catalog.live_push(&path()).await.unwrap().unwrap().stats, stats);
    assert_eq!(catalog.dropping_pushes(9).await.unwrap().len(), 1);
    let standing = catalog.standing().await.unwrap();
    assert_eq!((standing.live, standing.recorded_bytes_per_hour), (vec![("n1".to_owned(), 1)], 0), "nobody records it");
    let rule = domain::rule::RecordRule {
        key: domain::rule::RuleKey { domain: "play.example.org".into(), app: "*".into(), stream: "*".into() },
        on_demand: domain::rule::OnDemand::Automatic,
        cycle_length: Duration::from_secs(3_600),
        grace: Duration::from_secs(180),
        template_group: domain::rule::NO_TRANSCODE.into(),
        compose_group: None,
        safety_buffer: Duration::ZERO,
    };
    let (id, reel) = (catalog.ids().recording(at(0)), catalog.ids().reel(at(0)));
    let new = NewRecording { id, path: path(), rule, reel, node: "n1".into(), began: at(0) };
    catalog.begin_recording(&new).await.unwrap();
    assert_eq!(catalog.standing().await.unwrap().recorded_bytes_per_hour, 450_000_000);
    assert!(catalog.interrupted_recordings(9).await.unwrap().is_empty());
    catalog.interrupt_recording(id, at(9), 90_000, at(189)).await.unwrap();
    assert_eq!(catalog.interrupted_recordings(9).await.unwrap()[0].give_up_at, Some(at(189)));
    catalog.end_push(push.id, "lost", at(9)).await.unwrap();
    assert_eq!(catalog.live_push(&path()).await.unwrap(), None);
    let test = TestStream { push_domain: "push.example.org".into(), path: path(), until: at(600) };
    catalog.begin_test_stream(&test, at(0)).await.unwrap();
    let standing = catalog.standing().await.unwrap();
    assert_eq!(standing, Standing { jobs_ready: 1, ..Standing::default() });
}

async fn there_is_one_test_stream(catalog: Catalog) {
    assert_eq!(catalog.test_stream().await.unwrap(), None);
    assert!(!catalog.end_test_stream().await.unwrap());
    let test = TestStream { push_domain: "push.example.org".into(), path: path(), until: at(600) };
    catalog.begin_test_stream(&test, at(0)).await.unwrap();
    let other = TestStream { until: at(900), ..test.clone() };
    catalog.begin_test_stream(&other, at(1)).await.unwrap();
    assert_eq!(catalog.test_stream().await.unwrap(), Some(test));
    assert!(catalog.end_test_stream().await.unwrap());
    assert_eq!(catalog.test_stream().await.unwrap(), None);
    catalog.begin_test_stream(&other, at(2)).await.unwrap();
    assert_eq!(catalog.test_stream().await.unwrap(), Some(other));
}

async fn a_lost_master_key_loses_the_users(catalog: Catalog) {
    catalog.unlock(&"a".repeat(64).parse().unwrap()).await.unwrap();
    catalog.add_console_user(&user("ward"), 9).await.unwrap();
    sign_in(&catalog, "t1", "ward", 0, 5).await;
    assert_eq!(catalog.replace_secrets(&"b".repeat(64).parse().unwrap()).await.unwrap(), 1);
    assert!(!catalog.has_console_users().await.unwrap());
    assert_eq!(catalog.console_session("t1", at(1)).await.unwrap(), None);
}
