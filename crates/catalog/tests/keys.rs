//! Access keys, secrets at rest and the audit log, on both databases.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::*;
use units::WallTime;

support::contract! {
    a_key_is_found_until_it_is_deleted
    no_more_keys_are_made_than_are_allowed
    secrets_are_sealed_when_they_are_written
    what_stood_there_before_is_sealed_at_the_first_unlock
    another_master_key_opens_nothing_and_changes_nothing
    a_secret_is_bound_to_its_row
    what_a_lost_master_key_sealed_is_drawn_anew
    calls_are_listed_newest_first_as_far_as_they_are_wanted
    calls_are_forgotten_in_time
}

const MARK: &str = "Hidden0Secret";

fn at(second: i64) -> WallTime {
    WallTime::from_unix_s(1_772_359_200 + second)
}

fn master(digit: &str) -> MasterKey {
    digit.repeat(64).parse().unwrap()
}

fn key(id: &str, second: i64) -> StoredAccessKey {
    StoredAccessKey {
        id: id.into(),
        secret: MARK.into(),
        role: Role::Viewer,
        name: "wall".into(),
        active: true,
        created: at(second),
        last_used: None,
    }
}

async fn a_key_is_found_until_it_is_deleted(catalog: Catalog) {
    catalog.unlock(&master("a")).await.unwrap();
    assert_eq!(catalog.access_key("RP1").await.unwrap(), None);
    assert!(catalog.add_access_key(&key("RP2", 1), 10).await.unwrap());
    assert!(catalog.add_access_key(&StoredAccessKey { name: String::new(), ..key("RP1", 2) }, 10).await.unwrap());
    assert!(catalog.add_access_key(&key("RP1", 3), 10).await.unwrap_err().is_already_exists());
    let listed = catalog.access_keys(None).await.unwrap();
    assert_eq!(listed.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["RP2", "RP1"], "the oldest first");
    assert_eq!(catalog.access_keys(Some("wall")).await.unwrap(), [key("RP2", 1)]);

    let change = AccessKeyChange { active: Some(false), ..AccessKeyChange::default() };
    assert!(catalog.change_access_key("RP2", &change, at(5)).await.unwrap());
    let changed = StoredAccessKey { active: false, ..key("RP2", 1) };
    assert_eq!(catalog.access_key("RP2").await.unwrap(), Some(changed.clone()));
    let change = AccessKeyChange { role: Some(Role::Operator), name: Some("desk".into()), active: None };
    assert!(catalog.change_access_key("RP2", &change, at(6)).await.unwrap());
    let mut tx = catalog.begin().await.unwrap();
    tx.note_use_of_access_key("RP2", at(7)).await.unwrap();
    tx.commit().await.unwrap();
    let changed = StoredAccessKey { role: Role::Operator, name: "desk".into(), last_used: Some(at(7)), ..changed };
    assert!(changed.is_use_noted(at(66)) && !changed.is_use_noted(at(67)));
    assert_eq!(catalog.access_key("RP2").await.unwrap(), Some(changed));

    assert!(catalog.delete_access_key("RP2").await.unwrap());
    assert!(!catalog.delete_access_key("RP2").await.unwrap());
    assert!(!catalog.change_access_key("RP2", &change, at(8)).await.unwrap());
    assert_eq!(catalog.access_key("RP2").await.unwrap(), None);
    assert!(!format!("{:?}", key("RP1", 1)).contains(MARK));
}

async fn no_more_keys_are_made_than_are_allowed(catalog: Catalog) {
    assert!(catalog.add_access_key(&key("RP1", 1), 2).await.unwrap());
    assert!(catalog.add_access_key(&key("RP2", 1), 2).await.unwrap());
    assert!(!catalog.add_access_key(&key("RP3", 1), 2).await.unwrap());
    assert_eq!(catalog.access_keys(None).await.unwrap().len(), 2);
}

/// One secret of every kind.
async fn write_secrets(catalog: &Catalog) {
    let url = "http://receiver.example.org/";
    let callback = MessageCallback {
        app_id: "app-1000000".into(),
        kind: "HTTP".into(),
        url: url.into(),
        events: "ALL".into(),
        signed: true,
        auth_key: MARK.into(),
        mns_endpoint: String::new(),
        mns_queue: String::new(),
    };
    catalog.set_message_callback(&callback, at(1)).await.unwrap();
    for domain in ["play.example.org", "push.example.org"] {
        catalog.add_domain(&Domain::new(domain, DomainKind::Play, at(0))).await.unwrap();
    }
    let notify = LiveNotify {
        domain: "push.example.org".into(),
        notify_url: url.into(),
        exception_url: String::new(),
        signed: true,
        auth_key: MARK.into(),
    };
    catalog.set_live_notify(&notify, at(1)).await.unwrap();
    let notify = RecordNotify {
        domain: "play.example.org".into(),
        notify_url: url.into(),
        on_demand_url: String::new(),
        status: true,
        signed: true,
        auth_key: MARK.into(),
    };
    catalog.add_record_notify(&notify, at(1)).await.unwrap();
    catalog.update_record_notify(&notify, at(2)).await.unwrap();
    catalog.set_domain_config("play.example.org", "aliauth", &args(), at(1)).await.unwrap();
    catalog.add_access_key(&key("RP1", 1), 10).await.unwrap();
    assert_eq!(catalog.secret_setting_or("data_key_secret", MARK).await.unwrap(), MARK);
}

fn args() -> BTreeMap<String, String> {
    let pairs = [("auth_type", "type_a"), ("auth_key1", MARK), ("auth_key2", ""), ("ali_auth_delta", "60")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// All secrets are read as they were written.
async fn assert_secrets(catalog: &Catalog) {
    assert_eq!(catalog.message_callback("app-1000000").await.unwrap().unwrap().auth_key, MARK);
    assert_eq!(catalog.live_notify("push.example.org").await.unwrap().unwrap().auth_key, MARK);
    let (publish, play) = ("push.example.org", "play.example.org");
    assert_eq!(catalog.live_notify_for(publish, play).await.unwrap().unwrap().auth_key, MARK);
    assert_eq!(catalog.record_notify("play.example.org").await.unwrap().unwrap().auth_key, MARK);
    assert_eq!(catalog.domain_configs("play.example.org", &[]).await.unwrap()[0].args, args());
    let configured = catalog.configured_domains(&[DomainKind::Play]).await.unwrap();
    assert!(configured.iter().any(|(_, configs)| configs.iter().any(|config| config.args == args())));
    assert_eq!(catalog.access_key("RP1").await.unwrap().unwrap().secret, MARK);
    assert_eq!(catalog.secret_setting_or("data_key_secret", "other").await.unwrap(), MARK);
}

/// How often the secret stands in the rows.
async fn found(catalog: &Catalog) -> usize {
    serde_json::to_string(&catalog.all_rows().await.unwrap()).unwrap().matches(MARK).count()
}

async fn secrets_are_sealed_when_they_are_written(catalog: Catalog) {
    assert!(!catalog.has_master_key().await.unwrap());
    assert_eq!(catalog.unlock(&master("a")).await.unwrap(), 0);
    assert!(catalog.has_master_key().await.unwrap());
    write_secrets(&catalog).await;
    assert_eq!(found(&catalog).await, 0);
    assert_secrets(&catalog).await;
    // What storage is told of the installation comes from the same rows.
    let described = catalog.rows_of(Subject::Installation).await.unwrap();
    assert!(described.contains_key("access_key") && !serde_json::to_string(&described).unwrap().contains(MARK));
}

async fn what_stood_there_before_is_sealed_at_the_first_unlock(catalog: Catalog) {
    write_secrets(&catalog).await;
    assert_eq!(found(&catalog).await, 6);
    assert_secrets(&catalog).await;
    for stale in catalog.stale(100).await.unwrap() {
        catalog.settle(&stale).await.unwrap();
    }
    assert_eq!(catalog.unlock(&master("a")).await.unwrap(), 6);
    assert_eq!(found(&catalog).await, 0);
    assert_secrets(&catalog).await;
    let stale = catalog.stale(100).await.unwrap();
    assert!(stale.iter().any(|stale| stale.subject == Subject::Installation), "storage is told anew");
    for stale in stale {
        catalog.settle(&stale).await.unwrap();
    }
    assert_eq!(catalog.unlock(&master("a")).await.unwrap(), 0);
    assert_eq!(catalog.stale_count().await.unwrap(), 0, "a start changes nothing");
}

#[tokio::test]
async fn a_sqlite_file_keeps_nothing_of_what_stood_there_before() {
    let (catalog, folder) = support::sqlite().await;
    write_secrets(&catalog).await;
    let found = || {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let bytes: Vec<u8> = files.flat_map(|file| std::fs::read(file).unwrap()).collect();
        bytes.windows(MARK.len()).filter(|window| *window == MARK.as_bytes()).count()
    };
    assert!(found() >= 6);
    catalog.unlock(&master("a")).await.unwrap();
    assert_eq!(found(), 0);
    catalog.close().await;
    assert_eq!(found(), 0);
}

async fn another_master_key_opens_nothing_and_changes_nothing(catalog: Catalog) {
    catalog.unlock(&master("a")).await.unwrap();
    write_secrets(&catalog).await;
    let before = catalog.all_rows().await.unwrap();
    assert!(matches!(catalog.unlock(&master("b")).await, Err(CatalogError::MasterKey)));
    assert_eq!(catalog.all_rows().await.unwrap(), before);
    assert_secrets(&catalog).await;
}

async fn a_secret_is_bound_to_its_row(catalog: Catalog) {
    catalog.unlock(&master("a")).await.unwrap();
    write_secrets(&catalog).await;
    let mut rows = catalog.rows_of(Subject::Installation).await.unwrap();
    for row in rows.get_mut("live_notify").unwrap() {
        row.insert("domain".into(), "play.example.org".into());
    }
    for row in rows.get_mut("access_key").unwrap() {
        row.insert("id".into(), "RP9".into());
    }
    catalog.restore(&rows).await.unwrap();
    let moved = [
        catalog.live_notify("play.example.org").await.map(drop),
        catalog.access_key("RP9").await.map(drop),
        catalog.access_keys(None).await.map(drop),
    ];
    for read in moved {
        assert!(matches!(read, Err(CatalogError::Sealed { .. })), "{read:?}");
    }
    assert_eq!(catalog.live_notify("push.example.org").await.unwrap().unwrap().auth_key, MARK);
}

async fn what_a_lost_master_key_sealed_is_drawn_anew(catalog: Catalog) {
    catalog.unlock(&master("a")).await.unwrap();
    write_secrets(&catalog).await;
    assert_eq!(catalog.replace_secrets(&master("b")).await.unwrap(), 6);
    assert!(matches!(catalog.unlock(&master("a")).await, Err(CatalogError::MasterKey)));
    // As a process sees it that starts with the new key.
    let rows = serde_json::to_string(&catalog.all_rows().await.unwrap()).unwrap();
    assert!(!rows.contains(MARK) && rows.contains("type_a"), "what is no secret stays: {rows}");
    assert!(catalog.access_key("RP1").await.unwrap().is_none(), "access keys are gone");
    assert!(catalog.live_notify("push.example.org").await.is_err(), "this process has the old key");
    assert_eq!(catalog.replace_secrets(&master("b")).await.unwrap(), 5);
}

fn call(number: u32, second: i64) -> NewAuditEvent {
    NewAuditEvent {
        request: format!("request-{number}"),
        at: at(second),
        access_key: if number.is_multiple_of(2) { "RP2" } else { "RP1" }.into(),
        role: "operator".into(),
        address: "192.0.2.1".into(),
        service: "Vod".into(),
        action: if number < 3 { "DeleteVideo" } else { "UpdateVideoInfo" }.into(),
        params: "{\"VideoId\":\"a\"}".into(),
    }
}

async fn calls_are_listed_newest_first_as_far_as_they_are_wanted(catalog: Catalog) {
    for number in 1..=5 {
        catalog.begin_audit(&call(number, i64::from(number))).await.unwrap();
    }
    catalog.end_audit("request-1", "OK").await.unwrap();
    catalog.end_audit("request-2", "InvalidVideo.NotFound").await.unwrap();
    catalog.end_audit("request-5", "OK").await.unwrap();
    let told = async |filter: AuditFilter| {
        let events = catalog.audit_events(&filter, 10).await.unwrap();
        events.into_iter().map(|event| event.call.request.replace("request-", "")).collect::<Vec<_>>().join(" ")
    };
    let all = AuditFilter::default;
    assert_eq!(told(all()).await, "5 4 3 2 1");
    assert_eq!(told(AuditFilter { access_key: Some("RP1".into()), ..all() }).await, "5 3 1");
    assert_eq!(told(AuditFilter { action: Some("DeleteVideo".into()), ..all() }).await, "2 1");
    assert_eq!(told(AuditFilter { done: Some(true), ..all() }).await, "5 1");
    assert_eq!(told(AuditFilter { done: Some(false), ..all() }).await, "4 3 2", "also those of which nobody knows");
    assert_eq!(told(AuditFilter { from: Some(at(2)), to: Some(at(4)), ..all() }).await, "4 3 2");
    let page = catalog.audit_events(&all(), 2).await.unwrap();
    assert_eq!(page[0].call, call(5, 5));
    assert_eq!((page[0].code.as_deref(), page[1].code.as_deref()), (Some("OK"), None));
    assert_eq!(told(AuditFilter { before: Some(page[1].seq), ..all() }).await, "3 2 1");
}

async fn calls_are_forgotten_in_time(catalog: Catalog) {
    let now = WallTime::from_unix_ms(
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap(),
    );
    let day = Duration::from_secs(86_400);
    for (number, age) in [(1, day * 181), (2, day * 179), (3, day * 2)] {
        catalog.begin_audit(&NewAuditEvent { at: now.before(age), ..call(number, 0) }).await.unwrap();
    }
    let left = async || catalog.audit_events(&AuditFilter::default(), 10).await.unwrap().len();
    assert_eq!(catalog.clean(CleanAfter::default()).await.unwrap(), 1);
    assert_eq!(left().await, 2);
    assert_eq!(catalog.clean(CleanAfter { audit: day, ..CleanAfter::default() }).await.unwrap(), 2);
    assert_eq!(left().await, 0);
}
