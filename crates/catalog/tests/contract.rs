//! What every caller relies on, on both databases.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::*;
use domain::event::{AssetEvent, DescribeMode, DescribedField, Event, FileKind};
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use encode::{
    AudioCodec, AudioEncoding, Checks, Content, Encoding, Format, Profile, SourceFacts, Template, VideoProfile,
};
use serde_json::json;
use units::{AssetId, JobId, MediaTime, PushId, RecordingId, StreamPath, WallTime};

support::contract! {
    a_domain_is_added_once_found_by_any_part_and_deleted_with_all_that_hangs_on_it
    domains_that_are_played_from_are_told_with_their_configuration
    a_push_host_resolves_to_the_play_domain_it_is_tied_to
    a_rule_has_one_key_and_keeps_its_birth_over_updates
    callbacks_and_settings_are_replaced_as_a_whole
    a_nonce_is_fresh_once_and_forgotten_after_its_time
    a_block_holds_until_its_time
    a_push_is_listed_while_live_and_remembered_afterwards
    the_pushes_of_a_dead_node_are_ended_and_told
    an_interrupted_recording_is_found_again_as_it_was
    a_recording_that_was_stopped_stays_so_until_it_is_resumed
    a_command_is_answered_once_by_the_node_that_holds_the_stream
    a_start_stands_until_a_recording_comes_of_it
    a_customer_who_asks_is_told_of_files_and_status_in_order
    a_push_is_asked_about_once_and_the_first_word_stands
    a_sealed_cycle_is_an_asset_an_event_and_a_job_at_once
    sealing_a_cycle_twice_makes_one_asset
    a_transaction_that_is_dropped_leaves_nothing
    assets_are_listed_in_pages_by_age
    recorded_assets_are_found_by_where_they_came_from
    a_description_changes_what_it_names_and_tells_it
    an_application_has_a_number_of_its_own_within_limits
    categories_lie_in_each_other_within_limits
    a_deleted_category_leaves_its_videos_and_is_never_met_again
    an_analysis_is_stored_and_told_once
    a_deleted_asset_is_gone_and_its_media_is_garbage
    a_deleted_asset_comes_back_as_it_was_until_its_media_is_given_up
    a_deleted_source_leaves_its_asset_and_comes_back_until_its_media_is_given_up
    history_goes_when_it_has_had_its_time
    what_changes_is_marked_until_it_is_described
    rows_are_restored_from_what_describes_them
    a_rendition_is_made_once_for_all_who_want_it_and_begun_again_when_it_failed
    a_cycle_that_grows_is_encoded_once_and_its_task_completes_what_was_begun
    a_task_that_is_asked_for_has_its_outputs_at_once_and_keeps_them
    a_run_that_a_task_of_higher_priority_waits_for_hurries
    the_progress_of_an_output_grows_with_its_chunks_and_does_not_fall
    a_cancelled_task_ends_what_nobody_else_wants_and_tells_it
    a_deleted_stream_is_told_and_frees_what_no_other_output_needs
    the_sound_of_a_ladder_is_kept_for_its_last_output
    the_work_on_a_deleted_asset_ends_and_goes_on_when_it_is_restored
    what_was_encoded_of_a_growing_cycle_and_no_output_takes_is_removed
    what_was_given_up_is_done_once_more_on_request
    the_events_of_an_asset_are_numbered_without_a_hole_whoever_tells_them
    events_are_found_by_what_they_are_and_what_became_of_them
    events_are_replayed_once_for_all_who_ask
    events_that_an_older_version_described_are_numbered
    an_upload_gives_its_video_a_source_once_and_tells_it
    an_upload_of_which_nothing_comes_says_why_and_one_that_is_cancelled_is_quiet
    what_was_told_of_streams_can_be_read_back
    a_unique_key_holds_while_its_job_is_unfinished
    template_groups_are_kept_whole_and_one_is_the_default
    watermarks_are_kept_whole_and_one_is_the_default
    names_are_sorted_by_bytes
    text_is_bound_and_never_read_as_sql
    the_cycles_that_are_left_are_joined_once_when_the_recording_ends
    a_recording_that_cannot_be_joined_leaves_a_failed_video_that_says_so
    what_may_not_be_seen_is_forgotten_by_edges_in_order_and_only_where_there_are_any
    a_task_for_edges_ends_with_the_last_of_them
}

fn at(second: i64) -> WallTime {
    WallTime::from_unix_s(1_772_359_200 + second)
}

fn path(stream: &str) -> StreamPath {
    StreamPath::new("play.example.org", "cup", stream).unwrap()
}

fn domain(name: &str, kind: DomainKind) -> Domain {
    Domain { region: "cn-shanghai".into(), ..Domain::new(name, kind, at(0)) }
}

fn rule(app: &str, stream: &str) -> RecordRule {
    RecordRule {
        key: RuleKey { domain: "play.example.org".into(), app: app.into(), stream: stream.into() },
        on_demand: OnDemand::Automatic,
        cycle_length: Duration::from_secs(3600),
        grace: Duration::from_secs(180),
        template_group: NO_TRANSCODE.into(),
        compose_group: None,
        safety_buffer: Duration::ZERO,
    }
}

fn push(catalog: &Catalog, stream: &str, second: i64) -> NewPush {
    NewPush {
        id: catalog.ids().push(at(second)),
        path: path(stream),
        publish_domain: "push.example.org".into(),
        params: "vhost=push.example.org".into(),
        client: "203.0.113.7:5000".into(),
        server: "192.0.2.1:1935".into(),
        node: "n1".into(),
        began: at(second),
    }
}

async fn begun(catalog: &Catalog, stream: &str, second: i64) -> (Recording, OpenCycle) {
    begun_under(catalog, stream, second, rule("*", "*")).await
}

async fn begun_under(catalog: &Catalog, stream: &str, second: i64, rule: RecordRule) -> (Recording, OpenCycle) {
    let new = NewRecording {
        id: catalog.ids().recording(at(second)),
        path: path(stream),
        rule,
        reel: catalog.ids().reel(at(second)),
        node: "n1".into(),
        began: at(second),
    };
    let cycle = OpenCycle { number: 0, asset: catalog.ids().asset(at(second)), from_ticks: 0, began: at(second) };
    catalog.begin_recording(&new).await.unwrap();
    catalog.open_cycle(new.id, &cycle).await.unwrap();
    (catalog.recording(new.id).await.unwrap().unwrap(), cycle)
}

fn sealed(recording: &Recording, cycle: &OpenCycle, seconds: i64) -> SealedCycle {
    let ended = WallTime::from_unix_s(cycle.began.unix_s() + seconds);
    SealedCycle {
        recording: recording.id,
        cycle: cycle.number,
        asset: cycle.asset,
        title: format!("court_{}", cycle.number),
        template_group: NO_TRANSCODE.into(),
        status: AssetStatus::Normal,
        reel: recording.reel,
        from_ticks: cycle.from_ticks,
        to_ticks: cycle.from_ticks + seconds * 90_000,
        began: cycle.began,
        ended,
        duration_ticks: seconds * 90_000,
        size_bytes: 1_000_000,
        width: 1280,
        height: 720,
        fps: 25.0,
        bitrate_kbps: 2_000,
        sealed_at: ended,
    }
}

fn after(sealed: &SealedCycle, catalog: &Catalog) -> OpenCycle {
    OpenCycle {
        number: sealed.cycle + 1,
        asset: catalog.ids().asset(sealed.ended),
        from_ticks: sealed.to_ticks,
        began: sealed.ended,
    }
}

/// A recorded asset of `stream`, born at `second`.
async fn asset(catalog: &Catalog, stream: &str, second: i64) -> AssetId {
    let (recording, cycle) = begun(catalog, stream, second).await;
    catalog.seal_cycle(&sealed(&recording, &cycle, 20), None).await.unwrap();
    catalog.end_recording(recording.id, Some(20 * 90_000), at(second + 30)).await.unwrap();
    cycle.asset
}

async fn a_domain_is_added_once_found_by_any_part_and_deleted_with_all_that_hangs_on_it(catalog: Catalog) {
    for (name, kind) in [("play.example.org", DomainKind::Play), ("push.example.org", DomainKind::Push)] {
        catalog.add_domain(&domain(name, kind)).await.unwrap();
        assert!(catalog.add_domain(&domain(name, kind)).await.unwrap_err().is_already_exists());
    }
    let found = async |search, text: &str| {
        let filter = DomainFilter { name: Some((search, text.into())), ..Default::default() };
        let listed = catalog.domains(&filter, Page { number: 1, size: 10 }).await.unwrap();
        assert_eq!(listed.total, listed.rows.len() as u64);
        listed.rows.into_iter().map(|d| d.name).collect::<Vec<_>>()
    };
    assert_eq!(found(Search::Fuzzy, "EXAMPLE").await, ["play.example.org", "push.example.org"]);
    assert_eq!(found(Search::Prefix, "play").await, ["play.example.org"]);
    assert_eq!(found(Search::Suffix, "push.example.org").await, ["push.example.org"]);
    assert_eq!(found(Search::Exact, "play.example.org").await, ["play.example.org"]);
    assert!(found(Search::Fuzzy, "p%y").await.is_empty() && found(Search::Exact, "play").await.is_empty());
    let pushes = DomainFilter { kinds: vec![DomainKind::Push], ..Default::default() };
    assert_eq!(catalog.domains(&pushes, Page { number: 2, size: 1 }).await.unwrap(), Listed { rows: vec![], total: 1 });

    let args = BTreeMap::from([("auth_type".to_owned(), "type_a".to_owned())]);
    catalog.set_domain_config("play.example.org", "aliauth", &args, at(1)).await.unwrap();
    let first = catalog.domain_configs("play.example.org", &["aliauth".into()]).await.unwrap();
    catalog.set_domain_config("play.example.org", "aliauth", &BTreeMap::new(), at(2)).await.unwrap();
    let second = catalog.domain_configs("play.example.org", &[]).await.unwrap();
    assert_eq!((first[0].args.clone(), second[0].args.len(), &first[0].id), (args, 0, &second[0].id));
    assert!(catalog.domain_configs("play.example.org", &["ip_allow_list_set".into()]).await.unwrap().is_empty());

    catalog.add_rule(&StoredRule { rule: rule("*", "*"), wire: json!({}), created: at(0) }).await.unwrap();
    assert!(catalog.delete_domain("play.example.org").await.unwrap());
    assert!(!catalog.delete_domain("play.example.org").await.unwrap());
    assert_eq!(catalog.domain("play.example.org").await.unwrap(), None);
    assert!(catalog.domain_configs("play.example.org", &[]).await.unwrap().is_empty());
    assert!(catalog.rules_for_domain("play.example.org").await.unwrap().is_empty());
}

async fn domains_that_are_played_from_are_told_with_their_configuration(catalog: Catalog) {
    let source = DomainSource {
        content: "192.0.2.1".into(),
        kind: "ipaddr".into(),
        priority: "20".into(),
        port: 80,
        weight: "10".into(),
    };
    let vod = Domain { sources: vec![source], created: at(9), ..domain("a.example.org", DomainKind::Vod) };
    for one in [&vod, &domain("push.example.org", DomainKind::Push), &domain("play.example.org", DomainKind::Play)] {
        catalog.add_domain(one).await.unwrap();
        catalog.set_domain_config(&one.name, "aliauth", &BTreeMap::new(), at(9)).await.unwrap();
    }
    assert_eq!(catalog.domain("a.example.org").await.unwrap().as_ref(), Some(&vod));
    assert_eq!(catalog.resolve_push("a.example.org").await.unwrap(), None, "nothing is pushed to it");
    let told = catalog.configured_domains(&[DomainKind::Play, DomainKind::Vod]).await.unwrap();
    let names: Vec<_> = told.iter().map(|(domain, configs)| (domain.name.as_str(), configs.len())).collect();
    assert_eq!(names, [("play.example.org", 1), ("a.example.org", 1)], "the oldest first");
    let id = &told[1].1[0].id;
    assert!(!catalog.delete_domain_config_of_id("play.example.org", id).await.unwrap(), "another's");
    assert!(catalog.delete_domain_config_of_id("a.example.org", id).await.unwrap());
    assert!(catalog.configured_domains(&[DomainKind::Play, DomainKind::Vod]).await.unwrap()[1].1.is_empty());
}

async fn a_push_host_resolves_to_the_play_domain_it_is_tied_to(catalog: Catalog) {
    let tie = Mapping { push_domain: "push.example.org".into(), play_domain: "play.example.org".into() };
    let resolved = async |host: &str| catalog.resolve_push(host).await.unwrap().map(|r| (r.push_domain, r.play_domain));
    let pair = |push: &str, play: &str| Some((push.to_owned(), play.to_owned()));
    assert!(matches!(catalog.add_mapping(&tie, at(0)).await, Err(CatalogError::NotFound { .. })));
    for (name, kind) in [
        ("play.example.org", DomainKind::Play),
        ("other.example.org", DomainKind::Play),
        ("push.example.org", DomainKind::Push),
    ] {
        catalog.add_domain(&domain(name, kind)).await.unwrap();
    }
    assert_eq!(resolved("push.example.org").await, None);
    catalog.add_mapping(&tie, at(0)).await.unwrap();
    catalog.add_mapping(&tie, at(0)).await.unwrap();
    let other = Mapping { play_domain: "other.example.org".into(), ..tie.clone() };
    assert!(catalog.add_mapping(&other, at(0)).await.unwrap_err().is_already_exists());
    assert_eq!(catalog.mappings("play.example.org").await.unwrap(), std::slice::from_ref(&tie));
    assert_eq!(catalog.mappings("push.example.org").await.unwrap(), std::slice::from_ref(&tie));

    assert_eq!(resolved("push.example.org").await, pair("push.example.org", "play.example.org"));
    assert_eq!(resolved("play.example.org").await, pair("play.example.org", "play.example.org"));
    assert_eq!(resolved("unknown.example.org").await, None);
    catalog.set_domain_status("play.example.org", DomainStatus::Offline, at(1)).await.unwrap();
    assert_eq!((resolved("push.example.org").await, resolved("play.example.org").await), (None, None));
    assert!(catalog.delete_mapping(&tie).await.unwrap() && !catalog.delete_mapping(&tie).await.unwrap());
}

async fn a_rule_has_one_key_and_keeps_its_birth_over_updates(catalog: Catalog) {
    let stored = StoredRule { rule: rule("cup", "*"), wire: json!({"SpaceId": "s"}), created: at(5) };
    catalog.add_rule(&stored).await.unwrap();
    assert!(catalog.add_rule(&stored).await.unwrap_err().is_already_exists());
    catalog.add_rule(&StoredRule { rule: rule("*", "*"), wire: json!({}), created: at(1) }).await.unwrap();
    let longer = RecordRule { cycle_length: Duration::from_secs(7200), ..rule("cup", "*") };
    catalog.update_rule(&longer, &json!({"SpaceId": "t"}), at(9)).await.unwrap();
    let now = catalog.rule(&longer.key).await.unwrap().unwrap();
    assert_eq!(now, StoredRule { rule: longer, wire: json!({"SpaceId": "t"}), created: at(5) });
    let missing = catalog.update_rule(&rule("none", "*"), &json!({}), at(9)).await;
    assert!(matches!(missing, Err(CatalogError::NotFound { .. })));

    let all = catalog.rules("play.example.org", None, None, Page::ALL).await.unwrap();
    assert_eq!((all.total, all.rows[0].rule.key.app.as_str()), (2, "*"));
    let cup = catalog.rules("play.example.org", Some("cup"), Some("*"), Page { number: 1, size: 5 }).await.unwrap();
    assert_eq!((cup.total, cup.rows.len()), (1, 1));
    assert_eq!(catalog.rules_for_domain("play.example.org").await.unwrap().len(), 2);
    assert!(catalog.delete_rule(&now.rule.key).await.unwrap() && !catalog.delete_rule(&now.rule.key).await.unwrap());
}

async fn callbacks_and_settings_are_replaced_as_a_whole(catalog: Catalog) {
    let mut callback = MessageCallback {
        app_id: "app-1000000".into(),
        kind: "HTTP".into(),
        url: "http://example.org/cb?x=1".into(),
        events: "AddLiveRecordVideoComplete,AIComplete".into(),
        signed: true,
        auth_key: "Secret1".into(),
        mns_endpoint: String::new(),
        mns_queue: String::new(),
    };
    catalog.set_message_callback(&callback, at(0)).await.unwrap();
    assert!(callback.wants("AddLiveRecordVideoComplete", None) && !callback.wants("TranscodeComplete", None));
    assert!(callback.wants("AIVideoTagComplete", Some("AIComplete")));
    callback.events = "ALL".into();
    callback.signed = false;
    catalog.set_message_callback(&callback, at(1)).await.unwrap();
    let stored = catalog.message_callback("app-1000000").await.unwrap().unwrap();
    assert!(stored == callback && stored.wants("TranscodeComplete", None));
    assert!(!format!("{stored:?}").contains("Secret1"));
    assert!(catalog.delete_message_callback("app-1000000").await.unwrap());
    assert_eq!(catalog.message_callback("app-1000000").await.unwrap(), None);

    let notify = LiveNotify {
        domain: "push.example.org".into(),
        notify_url: "http://example.org/live".into(),
        exception_url: String::new(),
        signed: true,
        auth_key: "Secret2".into(),
    };
    catalog.set_live_notify(&notify, at(0)).await.unwrap();
    assert_eq!(catalog.live_notify("push.example.org").await.unwrap(), Some(notify.clone()));
    assert_eq!(catalog.live_notify_for("push.example.org", "play.example.org").await.unwrap(), Some(notify.clone()));
    assert_eq!(catalog.live_notify_for("else.example.org", "play.example.org").await.unwrap(), None);
    assert!(catalog.delete_live_notify("push.example.org").await.unwrap());

    assert!(catalog.set_setting("bootstrapped", "1").await.unwrap());
    assert!(!catalog.set_setting("bootstrapped", "2").await.unwrap());
    assert_eq!(catalog.setting("bootstrapped").await.unwrap().as_deref(), Some("2"));
    assert_eq!(catalog.setting("other").await.unwrap(), None);
}

async fn a_nonce_is_fresh_once_and_forgotten_after_its_time(catalog: Catalog) {
    assert!(catalog.remember_nonce("ak1", "n", at(100)).await.unwrap());
    assert!(!catalog.remember_nonce("ak1", "n", at(100)).await.unwrap());
    assert!(catalog.remember_nonce("ak2", "n", at(200)).await.unwrap());
    assert_eq!(catalog.purge_nonces(at(150)).await.unwrap(), 1);
    assert!(catalog.remember_nonce("ak1", "n", at(300)).await.unwrap());
    assert!(!catalog.remember_nonce("ak2", "n", at(300)).await.unwrap());
}

async fn a_block_holds_until_its_time(catalog: Catalog) {
    let block = |until| Block { path: path("court1"), until, created: at(0) };
    catalog.add_block(&block(Some(at(10)))).await.unwrap();
    assert!(catalog.is_blocked(&path("court1"), at(9)).await.unwrap());
    assert!(!catalog.is_blocked(&path("court1"), at(10)).await.unwrap());
    assert!(!catalog.is_blocked(&path("court2"), at(9)).await.unwrap());
    assert_eq!(catalog.blocks("play.example.org", at(11), Page::ALL).await.unwrap().total, 0);
    catalog.add_block(&block(None)).await.unwrap();
    assert_eq!(catalog.blocks("play.example.org", at(11), Page::ALL).await.unwrap().rows, [block(None)]);
    assert!(catalog.remove_block(&path("court1")).await.unwrap());
    assert!(!catalog.is_blocked(&path("court1"), at(9)).await.unwrap());
}

async fn a_push_is_listed_while_live_and_remembered_afterwards(catalog: Catalog) {
    let (one, two) = (push(&catalog, "court1", 0), push(&catalog, "court2", 5));
    for push in [&one, &two, &one] {
        catalog.insert_push(push).await.unwrap();
    }
    let stats = PushStats { width: 1280, height: 720, fps: 25.0, video_codec: "h264".into(), ..Default::default() };
    catalog.update_push_stats(&[(one.id, stats.clone()), (PushId::from_u128(9), stats.clone())]).await.unwrap();
    let live = async |stream| {
        let filter = PushFilter { domain: Some("play.example.org".into()), app: None, stream };
        catalog.live_pushes(&filter, Page { number: 1, size: 2000 }).await.unwrap()
    };
    let all = live(None).await;
    assert_eq!((all.total, all.rows[0].stats.clone(), all.rows[1].info.clone()), (2, stats, two.clone()));
    assert_eq!(live(Some((Search::Fuzzy, "COURT2".into()))).await.rows[0].info.id, two.id);
    assert_eq!(live(Some((Search::Exact, "court".into()))).await.total, 0);

    assert!(catalog.is_live(&path("court1")).await.unwrap());
    assert_eq!(catalog.request_cut(&path("court1")).await.unwrap(), 1);
    assert_eq!(catalog.cuts_requested("n1").await.unwrap(), [one.id]);
    assert_eq!(catalog.cuts_requested("n2").await.unwrap(), []);
    assert!(catalog.end_push(one.id, "cut", at(20)).await.unwrap());
    assert!(!catalog.end_push(one.id, "lost", at(30)).await.unwrap());
    assert!(!catalog.is_live(&path("court1")).await.unwrap());
    assert_eq!(catalog.cuts_requested("n1").await.unwrap(), []);
    assert_eq!(catalog.push(one.id).await.unwrap().unwrap().end_reason.as_deref(), Some("cut"));

    let past = async |by, order, from, to| {
        let of = PushFilter { domain: Some("play.example.org".into()), ..Default::default() };
        let filter = PublishFilter { of, from: at(from), to: at(to), by, order };
        let listed = catalog.publishes(&filter, Page { number: 1, size: 10 }).await.unwrap();
        listed.rows.into_iter().map(|push| push.info.path.stream().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(past(PublishOrder::Began, Order::Ascending, 0, 6).await, ["court1", "court2"]);
    assert_eq!(past(PublishOrder::Stream, Order::Descending, 0, 6).await, ["court2", "court1"]);
    assert_eq!(past(PublishOrder::Began, Order::Descending, 0, 5).await, ["court1"]);
    assert_eq!(catalog.job_count(kind::LIVE_NOTIFY, JobState::Ready).await.unwrap(), 0);
}

async fn the_pushes_of_a_dead_node_are_ended_and_told(catalog: Catalog) {
    let notify = LiveNotify {
        domain: "push.example.org".into(),
        notify_url: "http://example.org/live".into(),
        exception_url: String::new(),
        signed: false,
        auth_key: String::new(),
    };
    catalog.set_live_notify(&notify, at(0)).await.unwrap();
    let (one, two) = (push(&catalog, "court1", 0), NewPush { node: "n2".into(), ..push(&catalog, "court2", 0) });
    catalog.insert_push(&one).await.unwrap();
    catalog.insert_push(&two).await.unwrap();
    assert_eq!(catalog.close_orphan_pushes("n1", at(50)).await.unwrap(), 1);
    assert_eq!(catalog.push(one.id).await.unwrap().unwrap().ended, Some(at(50)));
    assert_eq!(catalog.push(two.id).await.unwrap().unwrap().ended, None);
    // Two publishes and one end.
    assert_eq!(catalog.job_count(kind::LIVE_NOTIFY, JobState::Ready).await.unwrap(), 3);
}

async fn an_interrupted_recording_is_found_again_as_it_was(catalog: Catalog) {
    let (recording, cycle) = begun(&catalog, "court1", 0).await;
    assert_eq!((recording.state, recording.cycle, recording.cycles), (RecordingState::Live, Some(cycle), 1));
    let pushes = [catalog.ids().push(at(0)), catalog.ids().push(at(40))];
    catalog.attach_push(recording.id, pushes[0], at(0)).await.unwrap();
    catalog.interrupt_recording(recording.id, at(30), 2_700_000, at(210)).await.unwrap();

    let found = catalog.open_recordings("n1").await.unwrap();
    assert_eq!((found.len(), found[0].state, found[0].cycle), (1, RecordingState::Interrupted, Some(cycle)));
    assert_eq!((found[0].last_media, found[0].end_ticks), (Some(at(30)), Some(2_700_000)));
    assert_eq!((found[0].give_up_at, &found[0].rule), (Some(at(210)), &recording.rule));
    assert!(catalog.open_recordings("n2").await.unwrap().is_empty());

    catalog.attach_push(recording.id, pushes[1], at(40)).await.unwrap();
    catalog.attach_push(recording.id, pushes[1], at(41)).await.unwrap();
    catalog.resume_recording(recording.id, at(9)).await.unwrap();
    let live = catalog.live_recording(&path("court1")).await.unwrap().unwrap();
    assert_eq!((live.state, live.give_up_at), (RecordingState::Live, None));
    assert_eq!(catalog.pushes_of_recording(recording.id).await.unwrap(), pushes);
    assert_eq!(catalog.recording_of_reel(recording.reel).await.unwrap().unwrap().id, recording.id);

    catalog.end_recording(recording.id, Some(3_000_000), at(300)).await.unwrap();
    catalog.end_recording(recording.id, None, at(400)).await.unwrap();
    let ended = catalog.recording(recording.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.ended, ended.end_ticks), (RecordingState::Ended, Some(at(300)), Some(3_000_000)));
    let reel = catalog.reel(recording.reel).await.unwrap().unwrap();
    assert_eq!((reel.state, reel.end_ticks), (ReelState::Sealed, Some(3_000_000)));
    assert_eq!(catalog.live_recording(&path("court1")).await.unwrap(), None);
    catalog.resume_recording(recording.id, at(9)).await.unwrap();
    assert_eq!(catalog.recording(recording.id).await.unwrap().unwrap().state, RecordingState::Ended);
}

async fn a_recording_that_was_stopped_stays_so_until_it_is_resumed(catalog: Catalog) {
    let (recording, cycle) = begun(&catalog, "court1", 0).await;
    let stopped = async || catalog.recording(recording.id).await.unwrap().unwrap().stopped;
    catalog.stop_recording(recording.id).await.unwrap();
    assert!(!stopped().await, "what runs is not stopped");
    catalog.interrupt_recording(recording.id, at(5), cycle.from_ticks + 90_000, at(65)).await.unwrap();
    catalog.stop_recording(recording.id).await.unwrap();
    assert!(stopped().await);
    catalog.resume_recording(recording.id, at(9)).await.unwrap();
    assert!(!stopped().await);
}

async fn a_command_is_answered_once_by_the_node_that_holds_the_stream(catalog: Catalog) {
    let give = async |stream: &str, command| {
        catalog.give_command(&path(stream), command, Duration::from_secs(7), at(1)).await.unwrap()
    };
    assert_eq!(give("court1", RecordCommand::Start).await, None, "nobody holds the stream");
    let pushed = push(&catalog, "court1", 0);
    catalog.insert_push(&pushed).await.unwrap();
    let first = give("court1", RecordCommand::Start).await.unwrap();
    let second = give("court1", RecordCommand::Stop).await.unwrap();
    let open = catalog.open_commands(&pushed.node).await.unwrap();
    let seen: Vec<_> = open.iter().map(|one| (one.seq, one.command, one.reach_back)).collect();
    let seven = Duration::from_secs(7);
    assert_eq!(seen, [(first, RecordCommand::Start, seven), (second, RecordCommand::Stop, seven)]);
    assert_eq!(open[0].path, path("court1"));
    assert!(catalog.open_commands("another").await.unwrap().is_empty());

    assert_eq!(catalog.command_answer(first).await.unwrap(), None);
    let news = catalog.command_news();
    catalog.answer_command(first, CommandAnswer::Done, at(2)).await.unwrap();
    news.await;
    catalog.answer_command(first, CommandAnswer::NotLive, at(3)).await.unwrap();
    assert_eq!(catalog.command_answer(first).await.unwrap(), Some(CommandAnswer::Done));
    assert!(!catalog.withdraw_command(first).await.unwrap());
    assert!(catalog.withdraw_command(second).await.unwrap());
    catalog.answer_command(second, CommandAnswer::Done, at(3)).await.unwrap();
    assert_eq!(catalog.command_answer(second).await.unwrap(), None);

    // A recording that waits for its push is held by the node that wrote it.
    let (recording, _) = begun(&catalog, "court2", 0).await;
    assert!(give("court2", RecordCommand::CancelDelay).await.is_some());
    catalog.end_recording(recording.id, None, at(4)).await.unwrap();
    assert_eq!(give("court2", RecordCommand::CancelDelay).await, None);
}

async fn a_start_stands_until_a_recording_comes_of_it(catalog: Catalog) {
    catalog.insert_push(&push(&catalog, "court1", 0)).await.unwrap();
    let stands = async |since| catalog.start_stands(&path("court1"), at(since)).await.unwrap();
    let give = async |command, second| {
        let seq = catalog.give_command(&path("court1"), command, Duration::ZERO, at(second)).await.unwrap().unwrap();
        catalog.answer_command(seq, CommandAnswer::Done, at(second)).await.unwrap();
    };
    assert!(!stands(0).await);
    give(RecordCommand::Start, 10).await;
    assert!(stands(10).await && !stands(11).await);
    begun(&catalog, "court1", 12).await;
    assert!(!stands(10).await, "it was followed");
    give(RecordCommand::Start, 20).await;
    assert!(stands(10).await);
    give(RecordCommand::Stop, 21).await;
    assert!(!stands(10).await, "it was taken back");
}

async fn a_customer_who_asks_is_told_of_files_and_status_in_order(catalog: Catalog) {
    let notify = RecordNotify {
        domain: "play.example.org".into(),
        notify_url: "http://127.0.0.1:9/cb".into(),
        on_demand_url: String::new(),
        status: false,
        signed: true,
        auth_key: "secret".into(),
    };
    let jobs = async || catalog.job_count(kind::RECORD_NOTIFY, JobState::Ready).await.unwrap();
    let (recording, cycle) = begun(&catalog, "court1", 0).await;
    catalog.interrupt_recording(recording.id, at(5), 90_000, at(65)).await.unwrap();
    assert_eq!(jobs().await, 0, "nobody asked");
    catalog.add_record_notify(&notify, at(0)).await.unwrap();
    let again = catalog.add_record_notify(&notify, at(0)).await;
    assert!(matches!(again, Err(CatalogError::AlreadyExists { .. })));
    assert_eq!(catalog.record_notify("play.example.org").await.unwrap(), Some(notify.clone()));
    assert!(!format!("{notify:?}").contains("secret"));
    catalog.resume_recording(recording.id, at(6)).await.unwrap();
    assert_eq!(jobs().await, 0, "status is not wanted");
    let notify = RecordNotify { status: true, ..notify };
    catalog.update_record_notify(&notify, at(7)).await.unwrap();
    for _ in 0..2 {
        catalog.interrupt_recording(recording.id, at(8), 90_000, at(68)).await.unwrap();
    }
    for _ in 0..2 {
        catalog.resume_recording(recording.id, at(9)).await.unwrap();
    }
    assert_eq!(jobs().await, 2, "paused and resumed, each once");
    let sealed = sealed(&recording, &cycle, 20);
    for _ in 0..2 {
        catalog.seal_cycle(&sealed, None).await.unwrap();
    }
    assert_eq!(jobs().await, 3, "and the file");
    begun(&catalog, "court2", 0).await;
    assert_eq!(jobs().await, 4, "and the start of another");
    assert!(catalog.delete_record_notify("play.example.org").await.unwrap());
    assert!(!catalog.delete_record_notify("play.example.org").await.unwrap());
    let gone = catalog.update_record_notify(&notify, at(7)).await;
    assert!(matches!(gone, Err(CatalogError::NotFound { .. })));
}

async fn a_push_is_asked_about_once_and_the_first_word_stands(catalog: Catalog) {
    let pushed = push(&catalog, "court1", 0);
    for _ in 0..2 {
        catalog.ask_to_record(pushed.id, at(0)).await.unwrap();
    }
    assert_eq!(catalog.job_count(kind::RECORD_QUESTION, JobState::Ready).await.unwrap(), 1);
    assert_eq!(catalog.record_answer(pushed.id).await.unwrap(), None);
    catalog.answer_to_record(pushed.id, QuestionOutcome::Answered, "{}", at(1)).await.unwrap();
    catalog.answer_to_record(pushed.id, QuestionOutcome::Unanswered, "late", at(2)).await.unwrap();
    let answer = Some((QuestionOutcome::Answered, "{}".to_owned()));
    assert_eq!(catalog.record_answer(pushed.id).await.unwrap(), answer);
    catalog.ask_to_record(PushId::from_u128(9), at(40 * 86_400)).await.unwrap();
    assert_eq!(catalog.record_answer(pushed.id).await.unwrap(), None, "forgotten");
}

async fn a_sealed_cycle_is_an_asset_an_event_and_a_job_at_once(catalog: Catalog) {
    let (recording, cycle) = begun(&catalog, "court1", 0).await;
    let seal = sealed(&recording, &cycle, 20);
    let next = after(&seal, &catalog);
    assert_eq!(catalog.seal_cycle(&seal, Some(&next)).await.unwrap(), SealOutcome::Made);

    let asset = catalog.asset(cycle.asset).await.unwrap().unwrap();
    let origin = asset.origin.clone().unwrap();
    assert_eq!((asset.status, asset.title.as_str(), asset.created), (AssetStatus::Normal, "court_0", at(20)));
    assert_eq!((origin.recording, origin.cycle, origin.path), (recording.id, Some(0), path("court1")));
    let spans = catalog.spans(cycle.asset).await.unwrap();
    assert_eq!((spans.len(), spans[0].reel, spans[0].to_ticks), (1, recording.reel, 20 * 90_000));
    let events = catalog.events_of_asset(cycle.asset).await.unwrap();
    let told = Event::CycleBecameAsset { path: path("court1"), began: at(0), ended: at(20) };
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event, AssetEvent { asset: cycle.asset, at: at(20), event: told });
    assert_eq!(catalog.event(events[0].id).await.unwrap().as_ref(), Some(&events[0]));
    let job = catalog.job(events[0].job).await.unwrap().unwrap();
    assert_eq!((job.kind.as_str(), job.payload), (kind::CALLBACK, json!({ "event": events[0].id })));
    assert_eq!(catalog.job_count(kind::ANALYSE, JobState::Ready).await.unwrap(), 1);
    let recording = catalog.recording(recording.id).await.unwrap().unwrap();
    assert_eq!((recording.cycle, recording.cycles), (Some(next), 2));
}

async fn sealing_a_cycle_twice_makes_one_asset(catalog: Catalog) {
    let (recording, cycle) = begun(&catalog, "court1", 0).await;
    let first = sealed(&recording, &cycle, 20);
    let second = after(&first, &catalog);
    catalog.seal_cycle(&first, Some(&second)).await.unwrap();
    // Repeated while the next one is open, and again after that one is sealed: neither is disturbed.
    assert_eq!(catalog.seal_cycle(&first, Some(&second)).await.unwrap(), SealOutcome::Already);
    assert_eq!(catalog.recording(recording.id).await.unwrap().unwrap().cycle, Some(second));
    catalog.seal_cycle(&sealed(&recording, &second, 5), None).await.unwrap();
    assert_eq!(catalog.seal_cycle(&first, Some(&second)).await.unwrap(), SealOutcome::Already);
    let now = catalog.recording(recording.id).await.unwrap().unwrap();
    assert_eq!((now.cycle, now.cycles), (None, 2));
    assert_eq!(catalog.events_of_asset(first.asset).await.unwrap().len(), 1);
    assert_eq!(catalog.job_count(kind::ANALYSE, JobState::Ready).await.unwrap(), 2);

    let foreign = SealedCycle { asset: AssetId::from_u128(7), ..first.clone() };
    assert_eq!(catalog.seal_cycle(&foreign, None).await.unwrap(), SealOutcome::Other(first.asset));
    assert_eq!(catalog.asset(foreign.asset).await.unwrap(), None);
    // It was never written that this one was opened.
    let third = SealedCycle { cycle: 2, asset: AssetId::from_u128(8), from_ticks: 9, to_ticks: 10, ..first.clone() };
    assert_eq!(catalog.seal_cycle(&third, None).await.unwrap(), SealOutcome::Made);
    assert_eq!(catalog.recording(recording.id).await.unwrap().unwrap().cycles, 3, "it is not owed again");
    let lost = SealedCycle { recording: RecordingId::from_u128(7), ..first };
    assert!(matches!(catalog.seal_cycle(&lost, None).await, Err(CatalogError::NotFound { .. })));
}

async fn a_transaction_that_is_dropped_leaves_nothing(catalog: Catalog) {
    let (recording, cycle) = begun(&catalog, "court1", 0).await;
    let mut tx = catalog.begin().await.unwrap();
    tx.seal_cycle(&sealed(&recording, &cycle, 20), None).await.unwrap();
    drop(tx);
    assert_eq!(catalog.asset(cycle.asset).await.unwrap(), None);
    assert_eq!(catalog.job_count(kind::CALLBACK, JobState::Ready).await.unwrap(), 0);
    assert_eq!(catalog.recording(recording.id).await.unwrap().unwrap().cycle, Some(cycle));
    // And the connection is free again.
    catalog.seal_cycle(&sealed(&recording, &cycle, 20), None).await.unwrap();
    assert!(catalog.asset(cycle.asset).await.unwrap().is_some());
}

async fn assets_are_listed_in_pages_by_age(catalog: Catalog) {
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(asset(&catalog, &format!("court{n}"), n * 100).await);
    }
    let page = |number| Page { number, size: 2 };
    let list = async |filter: AssetFilter, order, page| {
        let listed = catalog.assets(&filter, order, page).await.unwrap();
        (listed.rows.iter().map(|asset| asset.id).collect::<Vec<_>>(), listed.total)
    };
    assert_eq!(list(AssetFilter::default(), Order::Descending, page(1)).await, (vec![ids[4], ids[3]], 5));
    assert_eq!(list(AssetFilter::default(), Order::Ascending, page(3)).await, (vec![ids[4]], 5));
    assert_eq!(list(AssetFilter::default(), Order::Ascending, page(4)).await, (vec![], 5));
    let window = AssetFilter { created_from: Some(at(120)), created_to: Some(at(220)), ..Default::default() };
    assert_eq!(list(window, Order::Ascending, page(1)).await, (vec![ids[1], ids[2]], 2));
    let normal = AssetFilter { statuses: vec![AssetStatus::Normal, AssetStatus::Blocked], ..Default::default() };
    assert_eq!(list(normal, Order::Ascending, page(1)).await.1, 5);
    let blocked = AssetFilter { statuses: vec![AssetStatus::Blocked], ..Default::default() };
    assert_eq!(list(blocked, Order::Ascending, page(1)).await, (vec![], 0));
    let cup = category(&catalog, None, "cup").await;
    let category = AssetFilter { category: Some(cup), ..Default::default() };
    assert_eq!(list(category.clone(), Order::Ascending, page(1)).await, (vec![], 0));
    let sorted = Description { category: Some(Some(cup)), ..Default::default() };
    catalog.describe_asset(ids[2], &sorted, at(0)).await.unwrap();
    assert_eq!(list(category, Order::Ascending, page(1)).await, (vec![ids[2]], 1));

    let asked = [ids[3], AssetId::from_u128(1), ids[0]];
    let found = catalog.assets_by_id(&asked).await.unwrap();
    assert_eq!(found.iter().map(|asset| asset.id).collect::<Vec<_>>(), [ids[3], ids[0]]);
    assert!(catalog.assets_by_id(&[]).await.unwrap().is_empty());
}

async fn recorded_assets_are_found_by_where_they_came_from(catalog: Catalog) {
    let one = asset(&catalog, "court1", 0).await;
    let two = asset(&catalog, "court2", 100).await;
    let list = async |filter: RecordedFilter| {
        let listed = catalog.recorded_assets(&filter, Order::Descending, Page { number: 1, size: 10 }).await.unwrap();
        listed.rows.iter().map(|asset| asset.id).collect::<Vec<_>>()
    };
    assert_eq!(list(RecordedFilter::default()).await, [two, one]);
    let domain = Some("play.example.org".to_owned());
    let by_stream = RecordedFilter { domain: domain.clone(), stream: Some("court1".into()), ..Default::default() };
    assert_eq!(list(by_stream).await, [one]);
    assert_eq!(list(RecordedFilter { domain, app: Some("no".into()), ..Default::default() }).await, []);
    assert_eq!(list(RecordedFilter { began_from: Some(at(1)), ..Default::default() }).await, [two]);
    assert_eq!(list(RecordedFilter { began_to: Some(at(99)), ..Default::default() }).await, [one]);
}

async fn a_description_changes_what_it_names_and_tells_it(catalog: Catalog) {
    let (one, two) = (asset(&catalog, "court1", 0).await, asset(&catalog, "court2", 100).await);
    let words = Description {
        title: Some("Final".into()),
        tags: Some("a,b".into()),
        reference_id: Some("r1".into()),
        ..Default::default()
    };
    catalog.describe_asset(one, &words, at(300)).await.unwrap();
    let now = catalog.asset_by_reference("r1").await.unwrap().unwrap();
    assert_eq!((now.id, now.title.as_str(), now.tags.as_str(), now.modified), (one, "Final", "a,b", at(300)));
    let taken = catalog.describe_asset(two, &words, at(300)).await;
    assert!(taken.unwrap_err().is_already_exists());
    let gone = catalog.describe_asset(AssetId::from_u128(5), &words, at(300)).await;
    assert!(matches!(gone, Err(CatalogError::NotFound { .. })));

    let events = catalog.events_of_asset(one).await.unwrap();
    let Event::AssetDescribed { mode: DescribeMode::Update, changes } = &events[1].event.event else {
        panic!("{events:?}")
    };
    let fields: Vec<_> = changes.iter().map(|c| (c.field, c.old.as_str(), c.new.as_str())).collect();
    assert_eq!(fields, [(DescribedField::Title, "court_0", "Final"), (DescribedField::Tags, "", "a,b")]);
    // The same again changes nothing and tells nothing.
    catalog.describe_asset(one, &words, at(301)).await.unwrap();
    assert_eq!(catalog.events_of_asset(one).await.unwrap().len(), 2);
}

/// A new category of the default kind.
async fn category(catalog: &Catalog, parent: Option<i64>, name: &str) -> i64 {
    match catalog.add_category(parent, CategoryKind::Default, name, at(0)).await.unwrap() {
        CategoryAdded::Added(category) => category.id,
        other => panic!("{other:?}"),
    }
}

async fn an_application_has_a_number_of_its_own_within_limits(catalog: Catalog) {
    // All at once, and as many as there may be.
    let adds: Vec<_> = (0..6)
        .map(|n| {
            let catalog = catalog.clone();
            tokio::spawn(async move { catalog.add_app(&format!("決勝 {n}"), "of the cup", at(n), 4).await.unwrap() })
        })
        .collect();
    let mut added = Vec::new();
    for add in adds {
        added.extend(add.await.unwrap());
    }
    added.sort_by_key(|app| app.number);
    assert_eq!(added.iter().map(|app| app.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(added.iter().all(|app| app.name.starts_with("決勝 ") && app.description == "of the cup"));
    assert_eq!(catalog.apps().await.unwrap(), added);
}

async fn categories_lie_in_each_other_within_limits(catalog: Catalog) {
    let add = async |parent, kind, second| catalog.add_category(parent, kind, "決勝", at(second)).await.unwrap();
    let CategoryAdded::Added(cup) = add(None, CategoryKind::Material, 1).await else { panic!("no category") };
    let told = Category {
        id: cup.id,
        parent: None,
        level: 0,
        kind: CategoryKind::Material,
        name: "決勝".into(),
        created: at(1),
    };
    assert_eq!(cup, told);
    assert_eq!(catalog.category(cup.id).await.unwrap(), Some(told));
    // One that lies in another sorts what that one does.
    let CategoryAdded::Added(day) = add(Some(cup.id), CategoryKind::Default, 2).await else { panic!("no category") };
    assert_eq!((day.parent, day.level, day.kind), (Some(cup.id), 1, CategoryKind::Material));
    let match_one = category(&catalog, Some(day.id), "match 1").await;
    assert_eq!(add(Some(match_one), CategoryKind::Default, 3).await, CategoryAdded::TooDeep);
    assert_eq!(add(Some(match_one + 1), CategoryKind::Default, 3).await, CategoryAdded::NoParent);
    for n in 1..100 {
        category(&catalog, Some(cup.id), &format!("day {n}")).await;
    }
    assert_eq!(add(Some(cup.id), CategoryKind::Default, 3).await, CategoryAdded::TooMany);
    let other = category(&catalog, None, "other").await;

    let list = async |parent, kind, order, page| {
        let listed = catalog.categories(parent, kind, order, page).await.unwrap();
        (listed.rows.into_iter().map(|row| (row.category.id, row.children)).collect::<Vec<_>>(), listed.total)
    };
    let page = Page { number: 1, size: 10 };
    // By when they were made: `other` at 0.
    assert_eq!(list(None, None, Order::Ascending, page).await, (vec![(other, 0), (cup.id, 100)], 2));
    assert_eq!(list(None, None, Order::Descending, page).await, (vec![(cup.id, 100), (other, 0)], 2));
    assert_eq!(list(None, Some(CategoryKind::Default), Order::Descending, page).await, (vec![(other, 0)], 1));
    let last = Page { number: 100, size: 1 };
    assert_eq!(list(Some(cup.id), None, Order::Ascending, last).await, (vec![(day.id, 1)], 100));
    assert!(catalog.rename_category(day.id, "semi-final").await.unwrap());
    assert!(!catalog.rename_category(other + 1, "nobody's").await.unwrap());
    let names = catalog.category_names(&[day.id, other, other + 1]).await.unwrap();
    assert_eq!(names, BTreeMap::from([(day.id, "semi-final".to_owned()), (other, "other".to_owned())]));
}

async fn a_deleted_category_leaves_its_videos_and_is_never_met_again(catalog: Catalog) {
    let cup = category(&catalog, None, "cup").await;
    let day = category(&catalog, Some(cup), "day").await;
    let game = category(&catalog, Some(day), "game").await;
    let video = asset(&catalog, "court1", 0).await;
    let sorted = Description { category: Some(Some(game)), ..Default::default() };
    catalog.describe_asset(video, &sorted, at(1)).await.unwrap();
    let in_category = async |id| {
        let filter = AssetFilter { category: Some(id), ..Default::default() };
        catalog.assets(&filter, Order::Ascending, Page::ALL).await.unwrap().total
    };
    assert_eq!(in_category(game).await, 1);
    assert!(catalog.delete_category(cup).await.unwrap());
    assert!(!catalog.delete_category(cup).await.unwrap() && !catalog.delete_category(game).await.unwrap());
    assert_eq!((catalog.category(day).await.unwrap(), catalog.category(game).await.unwrap()), (None, None));
    assert!(catalog.asset(video).await.unwrap().is_some());
    assert_eq!(in_category(game).await, 0);
    for stale in catalog.stale(100).await.unwrap() {
        catalog.settle(&stale).await.unwrap();
    }
    let new = category(&catalog, None, "new").await;
    assert!(new > game, "{new} was met before");
    assert_eq!(in_category(new).await, 0);
    let marked: Vec<_> = catalog.stale(100).await.unwrap().into_iter().map(|stale| stale.subject).collect();
    assert_eq!(marked, [Subject::Installation]);
    let rows = catalog.rows_of(Subject::Installation).await.unwrap();
    assert_eq!(rows["category"].len(), 1);
    let last = json!({"key": "category_last", "value": new.to_string()});
    assert!(rows["setting"].iter().any(|row| json!(row) == last), "{rows:?}");

    let out = Description { category: Some(None), ..Default::default() };
    catalog.describe_asset(video, &out, at(2)).await.unwrap();
    assert_eq!(catalog.asset(video).await.unwrap().unwrap().category, None);
}

async fn an_analysis_is_stored_and_told_once(catalog: Catalog) {
    let id = asset(&catalog, "court1", 0).await;
    let analysis = Analysis {
        size_bytes: 5_000_000,
        duration_ticks: 1_800_000,
        width: 1280,
        height: 720,
        fps: 24.975,
        bitrate_kbps: 2_001,
        tracks: vec![TrackFacts {
            codec: "h264".into(),
            profile: "High".into(),
            timescale: 90_000,
            duration_s: 20.0,
            bitrate_kbps: 1_900,
            frames: 500,
            media: MediaFacts::Video { width: 1280, height: 720, fps: 24.975, level: 31, b_frames: true },
        }],
    };
    assert!(catalog.set_analysis(id, &analysis, at(60)).await.unwrap());
    assert!(!catalog.set_analysis(id, &analysis, at(61)).await.unwrap());
    let asset = catalog.asset(id).await.unwrap().unwrap();
    assert_eq!((asset.size_bytes, asset.fps, asset.analysed), (5_000_000, 24.975, Some(at(60))));
    assert_eq!(asset.tracks, analysis.tracks);
    let events = catalog.events_of_asset(id).await.unwrap();
    let seconds = MediaTime::reel(1_800_000).seconds();
    let told = matches!(events[1].event.event, Event::SourceAnalysed { duration_s, .. } if duration_s == seconds);
    assert!(events.len() == 2 && told, "{events:?}");
}

async fn a_deleted_asset_is_gone_and_its_media_is_garbage(catalog: Catalog) {
    let (id, kept) = (asset(&catalog, "court1", 0).await, asset(&catalog, "court2", 0).await);
    let reel = catalog.spans(id).await.unwrap()[0].reel;
    assert_eq!(catalog.spans_on_reel(reel).await.unwrap().len(), 1);
    assert!(!catalog.mark_reel_deleted(reel).await.unwrap());
    assert!(catalog.delete_asset(id, Duration::ZERO, at(90)).await.unwrap());
    assert!(!catalog.delete_asset(id, Duration::ZERO, at(91)).await.unwrap());

    assert_eq!(catalog.asset(id).await.unwrap(), None);
    assert_eq!(catalog.assets(&AssetFilter::default(), Order::Ascending, Page::ALL).await.unwrap().total, 1);
    assert!(catalog.spans(id).await.unwrap().is_empty() && catalog.spans_on_reel(reel).await.unwrap().is_empty());
    let claims = catalog.claims_on_reel(reel).await.unwrap();
    let claim = Claim { asset: id, from_ticks: 0, to_ticks: 20 * 90_000, before_ticks: 0, state: ClaimState::Deleted };
    assert_eq!(claims, [claim]);
    assert!(!catalog.mark_reel_deleted(reel).await.unwrap(), "it can be restored");
    assert_eq!(catalog.give_up_garbage(reel).await.unwrap(), 1);
    assert_eq!(catalog.claims_on_reel(reel).await.unwrap(), [Claim { state: ClaimState::Freed, ..claim }]);
    assert_eq!(catalog.job_count(kind::FREE_REEL, JobState::Ready).await.unwrap(), 1);
    let events: Vec<_> = catalog.events_of_asset(id).await.unwrap().into_iter().map(|e| e.event.event).collect();
    assert!(matches!(events[1], Event::AssetDeleted), "{events:?}");
    assert!(matches!(&events[2], Event::AssetDescribed { mode: DescribeMode::Delete, changes } if changes.len() == 1));
    // One that is kept for a while is no garbage yet.
    let kept_reel = catalog.spans(kept).await.unwrap()[0].reel;
    assert!(catalog.delete_asset(kept, Duration::from_secs(60), at(90)).await.unwrap());
    assert_eq!(catalog.give_up_garbage(kept_reel).await.unwrap(), 0);
    assert!(catalog.mark_reel_deleted(reel).await.unwrap());
    assert_eq!(catalog.reel(reel).await.unwrap().unwrap().state, ReelState::Deleted);
}

async fn a_deleted_asset_comes_back_as_it_was_until_its_media_is_given_up(catalog: Catalog) {
    let (id, gone) = (asset(&catalog, "court1", 0).await, asset(&catalog, "court2", 0).await);
    let reference = Description { reference_id: Some("final-2026".into()), ..Description::default() };
    catalog.describe_asset(id, &reference, at(60)).await.unwrap();
    let (before, spans) = (catalog.asset(id).await.unwrap().unwrap(), catalog.spans(id).await.unwrap());
    assert_eq!(catalog.restore_asset(id, at(61)).await.unwrap(), Restored::Unknown, "it is not deleted");
    assert!(catalog.delete_asset(id, Duration::from_secs(60), at(70)).await.unwrap());
    let listed = catalog.deleted_assets(Page::ALL).await.unwrap();
    assert_eq!((listed.total, listed.rows[0].id, listed.rows[0].deleted), (1, id, at(70)));

    // Its own id of the customer is taken meanwhile, and let go again.
    let other = asset(&catalog, "court3", 0).await;
    catalog.describe_asset(other, &reference, at(71)).await.unwrap();
    assert!(catalog.restore_asset(id, at(72)).await.unwrap_err().is_already_exists());
    assert_eq!(catalog.asset(id).await.unwrap(), None, "nothing of it stays");
    catalog.delete_asset(other, Duration::ZERO, at(73)).await.unwrap();

    assert_eq!(catalog.restore_asset(id, at(80)).await.unwrap(), Restored::Back);
    assert_eq!(catalog.asset(id).await.unwrap(), Some(Asset { modified: at(80), ..before }));
    assert_eq!(catalog.spans(id).await.unwrap(), spans);
    let last = catalog.events_of_asset(id).await.unwrap().pop().unwrap().event.event;
    assert!(matches!(&last, Event::AssetDescribed { mode: DescribeMode::Create, changes } if changes.len() == 1));
    assert_eq!(catalog.restore_asset(id, at(81)).await.unwrap(), Restored::Unknown);

    let reel = catalog.spans(gone).await.unwrap()[0].reel;
    assert!(catalog.delete_asset(gone, Duration::ZERO, at(90)).await.unwrap());
    assert_eq!(catalog.give_up_garbage(reel).await.unwrap(), 1);
    assert_eq!(catalog.restore_asset(gone, at(91)).await.unwrap(), Restored::TooLate);
    assert_eq!(catalog.asset(gone).await.unwrap(), None);
    assert_eq!(catalog.deleted_assets(Page::ALL).await.unwrap().rows[0].id, other);
}

async fn a_deleted_source_leaves_its_asset_and_comes_back_until_its_media_is_given_up(catalog: Catalog) {
    let id = asset(&catalog, "court1", 0).await;
    let window = Duration::from_secs(60);
    assert_eq!(catalog.delete_source(id, true, window, at(70)).await.unwrap(), SourceDeletion::Needed, "not analysed");
    let analysis = Analysis {
        size_bytes: 1,
        duration_ticks: 1_800_000,
        width: 0,
        height: 0,
        fps: 0.0,
        bitrate_kbps: 1,
        tracks: Vec::new(),
    };
    catalog.set_analysis(id, &analysis, at(71)).await.unwrap();
    let pictures = catalog.picture_jobs(id).await.unwrap();
    assert_eq!(
        catalog.delete_source(id, true, window, at(72)).await.unwrap(),
        SourceDeletion::Needed,
        "its cover is taken"
    );
    for job in pictures {
        catalog.finish_pictures(job.id, &[], at(72)).await.unwrap();
    }
    assert_eq!(catalog.delete_source(id, false, window, at(73)).await.unwrap(), SourceDeletion::Needed, "it is played");
    let (before, spans) = (catalog.asset(id).await.unwrap().unwrap(), catalog.spans(id).await.unwrap());
    for _ in 0..2 {
        assert_eq!(catalog.delete_source(id, true, window, at(74)).await.unwrap(), SourceDeletion::Deleted);
    }
    let sourceless = catalog.asset(id).await.unwrap().unwrap();
    assert_eq!((sourceless.status, sourceless.source_deleted), (before.status, Some(at(74))));
    assert!(catalog.spans(id).await.unwrap().is_empty());
    let told = catalog.events_of_asset(id).await.unwrap().pop().unwrap().event.event;
    assert_eq!(told, Event::SourceDeleted);
    assert_eq!(catalog.deleted_assets(Page::ALL).await.unwrap().total, 0, "the asset itself is there");

    assert_eq!(catalog.restore_asset(id, at(75)).await.unwrap(), Restored::Back);
    assert_eq!(catalog.spans(id).await.unwrap(), spans);
    assert_eq!(catalog.asset(id).await.unwrap(), Some(Asset { modified: at(75), ..before }));
    assert_eq!(catalog.restore_asset(id, at(76)).await.unwrap(), Restored::Unknown);

    // Its source is given up, then it is deleted: what was made of it can come back for the whole window.
    let reel = spans[0].reel;
    assert_eq!(catalog.delete_source(id, true, Duration::ZERO, at(80)).await.unwrap(), SourceDeletion::Deleted);
    assert_eq!(catalog.give_up_garbage(reel).await.unwrap(), 1);
    assert_eq!(catalog.restore_asset(id, at(81)).await.unwrap(), Restored::TooLate);
    assert!(catalog.delete_asset(id, window, at(82)).await.unwrap());
    assert_eq!(catalog.deleted_assets(Page::ALL).await.unwrap().rows[0].id, id);
    let claims = catalog.claims_on_reel(reel).await.unwrap();
    assert!(claims.iter().all(|claim| claim.state == ClaimState::Freed) && claims.len() == 1, "{claims:?}");
    assert_eq!(catalog.restore_asset(id, at(83)).await.unwrap(), Restored::Back);
    assert_eq!(catalog.asset(id).await.unwrap().unwrap().source_deleted, Some(at(80)));
    assert!(catalog.delete_asset(id, Duration::ZERO, at(84)).await.unwrap());
    assert_eq!(catalog.give_up_garbage(reel).await.unwrap(), 1);
    assert_eq!(catalog.restore_asset(id, at(85)).await.unwrap(), Restored::TooLate);
    assert!(catalog.mark_reel_deleted(reel).await.unwrap());
}

async fn history_goes_when_it_has_had_its_time(catalog: Catalog) {
    let id = asset(&catalog, "court1", 0).await;
    let event = catalog.events_of_asset(id).await.unwrap()[0].clone();
    catalog.insert_push(&push(&catalog, "court1", 0)).await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    let dead = sql::Sql::new("UPDATE job SET state = 'dead', finished = 1 WHERE id = $1").arg(event.job);
    dead.run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    // The dead job goes, the one that waits stays, and what became of the event is still known.
    assert_eq!(catalog.clean(CleanAfter::default()).await.unwrap(), 1);
    assert_eq!(catalog.job(event.job).await.unwrap(), None);
    assert_eq!(catalog.event(event.id).await.unwrap().unwrap().outcome, EventOutcome::Dropped);
    assert_eq!(catalog.job_count(kind::ANALYSE, JobState::Ready).await.unwrap(), 1);

    assert!(catalog.delete_asset(id, Duration::ZERO, at(90)).await.unwrap());
    let due = catalog.job_count(kind::FREE_REEL, JobState::Ready).await.unwrap();
    assert_eq!(catalog.free_what_is_due(at(91)).await.unwrap(), 1);
    assert_eq!(catalog.free_what_is_due(at(92)).await.unwrap(), 1);
    assert_eq!(catalog.job_count(kind::FREE_REEL, JobState::Ready).await.unwrap(), due + 1, "one for all");
    // The events of the deleted asset that are still owed stay, the others go.
    let now = CleanAfter { jobs: Duration::MAX, events: Duration::ZERO, ..CleanAfter::default() };
    assert_eq!(catalog.clean(now).await.unwrap(), 1);
    assert_eq!(catalog.events_of_asset(id).await.unwrap().len(), 2);
}

/// Settles all marks and tells what they were of.
async fn settle_all(catalog: &Catalog) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for stale in catalog.stale(100).await.unwrap() {
        assert!(catalog.settle(&stale).await.unwrap());
        subjects.push(stale.subject);
    }
    subjects.sort_unstable();
    subjects
}

/// A recording under a rule with a compose group, with these cycles of 20 s each, ended.
async fn ended_with_cycles(catalog: &Catalog, cycles: u32) -> (Recording, Vec<AssetId>) {
    let composing = RecordRule { compose_group: Some(NO_TRANSCODE.into()), ..rule("*", "*") };
    let (recording, mut cycle) = begun_under(catalog, "court1", 0, composing).await;
    let mut assets = Vec::new();
    for _ in 0..cycles {
        let seal = sealed(&recording, &cycle, 20);
        let next = after(&seal, catalog);
        catalog.seal_cycle(&seal, Some(&next)).await.unwrap();
        assets.push(cycle.asset);
        cycle = next;
    }
    catalog.end_recording(recording.id, None, at(90)).await.unwrap();
    (recording, assets)
}

fn composed(catalog: &Catalog, recording: &Recording, of: &Composable, possible: bool) -> Composed {
    let cycles = &of.cycles;
    let all = cycles.iter().map(|cycle| (cycle.reel, cycle.from_ticks, cycle.to_ticks)).collect();
    Composed {
        recording: recording.id,
        cycles: cycles.iter().map(|cycle| cycle.asset).collect(),
        asset: catalog.ids().asset(at(91)),
        title: "court1, all of it".into(),
        template_group: of.template_group.clone(),
        began: cycles[0].began,
        ended: cycles[cycles.len() - 1].ended,
        content: possible.then_some(all),
        analysis: None,
    }
}

async fn the_cycles_that_are_left_are_joined_once_when_the_recording_ends(catalog: Catalog) {
    let (recording, cycles) = ended_with_cycles(&catalog, 3).await;
    assert_eq!(catalog.job_count(kind::COMPOSE, JobState::Ready).await.unwrap(), 1);
    let seen = catalog.composable(recording.id).await.unwrap().unwrap();
    assert_eq!(seen.cycles.iter().map(|cycle| cycle.asset).collect::<Vec<_>>(), cycles);
    // One is deleted after the caller has looked: it looks again.
    catalog.delete_asset(cycles[1], Duration::from_secs(60), at(90)).await.unwrap();
    let stale = catalog.compose(&composed(&catalog, &recording, &seen, true), at(91)).await;
    assert!(matches!(stale, Err(CatalogError::Changed { .. })), "{stale:?}");
    let left = catalog.composable(recording.id).await.unwrap().unwrap();
    assert_eq!(left.cycles.iter().map(|cycle| cycle.asset).collect::<Vec<_>>(), [cycles[0], cycles[2]]);

    let whole = composed(&catalog, &recording, &left, true);
    assert!(catalog.compose(&whole, at(91)).await.unwrap());
    let again = composed(&catalog, &recording, &left, true);
    assert!(!catalog.compose(&again, at(92)).await.unwrap(), "a second worker makes a second one");
    assert_eq!(catalog.asset(again.asset).await.unwrap(), None);
    assert_eq!(catalog.composable(recording.id).await.unwrap(), None);

    let asset = catalog.asset(whole.asset).await.unwrap().unwrap();
    assert_eq!((asset.status, asset.duration_ticks), (AssetStatus::Normal, 40 * 90_000));
    let origin = asset.origin.unwrap();
    assert_eq!((origin.cycle, origin.began, origin.ended), (None, at(0), at(60)));
    let spans: Vec<_> = catalog.spans(whole.asset).await.unwrap().iter().map(|s| (s.from_ticks, s.to_ticks)).collect();
    assert_eq!(spans, [(0, 20 * 90_000), (40 * 90_000, 60 * 90_000)]);
    let events: Vec<_> = catalog.events_of_asset(whole.asset).await.unwrap();
    let events: Vec<_> = events.into_iter().map(|stored| stored.event.event).collect();
    assert_eq!(
        events,
        [Event::ComposeBegan { path: path("court1"), possible: true }, Event::SourceInPlace { size_bytes: None }]
    );
    assert_eq!(catalog.forgotten_analyses().await.unwrap(), [], "an analysis follows");

    // The cycles have no bytes of their own while the joined video is there.
    let kept = async || {
        let kept = catalog.kept_of_domain("play.example.org").await.unwrap();
        kept.iter().map(|kept| (kept.id, kept.size_bytes)).collect::<Vec<_>>()
    };
    assert_eq!(kept().await, [(cycles[0], 0), (cycles[2], 0), (whole.asset, 0)]);
    catalog.delete_asset(whole.asset, Duration::ZERO, at(93)).await.unwrap();
    assert_eq!(kept().await, [(cycles[0], 1_000_000), (cycles[2], 1_000_000)]);
    assert_eq!(catalog.forgotten_composes().await.unwrap(), [], "a joined video that was deleted is not made again");
}

async fn a_recording_that_cannot_be_joined_leaves_a_failed_video_that_says_so(catalog: Catalog) {
    let (recording, _) = ended_with_cycles(&catalog, 2).await;
    let seen = catalog.composable(recording.id).await.unwrap().unwrap();
    let refused = composed(&catalog, &recording, &seen, false);
    assert!(catalog.compose(&refused, at(91)).await.unwrap());
    assert_eq!(catalog.asset(refused.asset).await.unwrap().unwrap().status, AssetStatus::ProduceFail);
    assert_eq!(catalog.spans(refused.asset).await.unwrap(), []);
    let events = catalog.events_of_asset(refused.asset).await.unwrap();
    let told: Vec<_> = events.into_iter().map(|stored| stored.event.event).collect();
    assert_eq!(told, [Event::ComposeBegan { path: path("court1"), possible: false }]);
    // A recording without a cycle has nothing to be joined, and one whose job is lost is found.
    let (empty, _) =
        begun_under(&catalog, "court2", 0, RecordRule { compose_group: Some(NO_TRANSCODE.into()), ..rule("*", "*") })
            .await;
    catalog.end_recording(empty.id, None, at(90)).await.unwrap();
    assert_eq!(catalog.composable(empty.id).await.unwrap(), None);
    assert_eq!(catalog.forgotten_composes().await.unwrap(), []);
}

async fn what_changes_is_marked_until_it_is_described(catalog: Catalog) {
    assert_eq!(settle_all(&catalog).await, [Subject::Installation]);
    let id = asset(&catalog, "court1", 0).await;
    let reel = catalog.spans(id).await.unwrap()[0].reel;
    let both = [Subject::Asset(id), Subject::Reel(reel)];
    assert_eq!(settle_all(&catalog).await, both);
    assert_eq!(catalog.stale_count().await.unwrap(), 0);

    let title = Description { title: Some("Final".into()), ..Description::default() };
    catalog.describe_asset(id, &title, at(50)).await.unwrap();
    let seen = catalog.stale(100).await.unwrap();
    assert_eq!((seen.len(), seen[0].subject), (1, Subject::Asset(id)));
    // It changes while it is being described: the mark that was seen does not settle it.
    let event = catalog.events_of_asset(id).await.unwrap()[0].id;
    catalog.set_event_outcome(event, EventOutcome::Delivered).await.unwrap();
    assert!(!catalog.settle(&seen[0]).await.unwrap());
    assert_eq!(settle_all(&catalog).await, [Subject::Asset(id)]);
    // Two writers saw the same mark: who comes second asks for another description.
    catalog.mark_stale(Subject::Asset(id)).await.unwrap();
    let seen = catalog.stale(1).await.unwrap();
    assert!(catalog.settle(&seen[0]).await.unwrap() && !catalog.settle(&seen[0]).await.unwrap());
    assert_eq!(settle_all(&catalog).await, [Subject::Asset(id)]);

    assert!(catalog.delete_asset(id, Duration::ZERO, at(90)).await.unwrap());
    assert_eq!(settle_all(&catalog).await, [Subject::Asset(id)]);
    catalog.add_domain(&domain("a.example.org", DomainKind::Play)).await.unwrap();
    catalog.set_setting("k", "v").await.unwrap();
    assert_eq!(settle_all(&catalog).await, [Subject::Installation]);
}

async fn rows_are_restored_from_what_describes_them(catalog: Catalog) {
    let id = asset(&catalog, "court1", 0).await;
    let reel = catalog.spans(id).await.unwrap()[0].reel;
    let pushed = push(&catalog, "court1", 0);
    catalog.insert_push(&pushed).await.unwrap();
    let push = pushed.id;
    let recording = catalog.recording_of_reel(reel).await.unwrap().unwrap().id;
    catalog.attach_push(recording, push, at(0)).await.unwrap();
    catalog.note_left_out(recording, push, "{\"LatePictures\":2}").await.unwrap();
    let analysis = Analysis {
        size_bytes: 1,
        duration_ticks: 2,
        width: 3,
        height: 4,
        fps: 29.97002997002997,
        bitrate_kbps: 5,
        tracks: Vec::new(),
    };
    catalog.set_analysis(id, &analysis, at(60)).await.unwrap();
    catalog.delete_asset(id, Duration::ZERO, at(90)).await.unwrap();
    for (subject, tables) in [
        (Subject::Asset(id), vec!["asset", "event", "garbage", "picture_job"]),
        (Subject::Reel(reel), vec!["push", "recording", "recording_push", "reel"]),
    ] {
        let rows = catalog.rows_of(subject).await.unwrap();
        assert_eq!(rows.keys().collect::<Vec<_>>(), tables);
        // What is there stays as it is.
        assert_eq!(catalog.restore(&rows).await.unwrap(), 0);
        // The same of another asset, from its text.
        let mut text = serde_json::to_string(&rows).unwrap();
        let mut ids: Vec<String> = vec![id.to_string(), reel.to_string(), recording.to_string(), push.to_string()];
        let events = catalog.events_of_asset(id).await.unwrap();
        ids.extend(events.iter().map(|event| event.id.to_string()));
        ids.extend(catalog.picture_jobs(id).await.unwrap().iter().map(|job| job.id.to_string()));
        for old in &ids {
            text = text.replace(old.as_str(), &old.chars().rev().collect::<String>());
        }
        let other: Rows = serde_json::from_str(&text).unwrap();
        let count: usize = other.values().map(Vec::len).sum();
        assert_eq!(catalog.restore(&other).await.unwrap(), u64::try_from(count).unwrap());
        let turned = |id: String| id.chars().rev().collect::<String>();
        let restored = match subject {
            Subject::Asset(id) => catalog.rows_of(Subject::Asset(turned(id.to_string()).parse().unwrap())).await,
            _ => catalog.rows_of(Subject::Reel(turned(reel.to_string()).parse().unwrap())).await,
        };
        // Rows that are numbered get numbers of their own.
        let bare = |mut rows: Rows| {
            rows.values_mut().flatten().for_each(|row| drop(row.remove("seq")));
            rows
        };
        assert_eq!(bare(restored.unwrap()), bare(other));
    }
    let mut hostile = Rows::new();
    hostile.insert("nonce; --".into(), vec![serde_json::Map::from_iter([("key".into(), json!("a"))])]);
    assert!(matches!(catalog.restore(&hostile).await, Err(CatalogError::Corrupt { .. })));
}

/// Pictures without sound.
fn encoding(width: u32) -> Encoding {
    let source = SourceFacts { width: 1280, height: 720, video_kbps: 2_000, ..SourceFacts::default() };
    let video = VideoProfile { width: Some(width), ..VideoProfile::default() };
    let profile = Profile { video: Some(video), audio: None, checks: Checks::default() };
    profile.resolve(&source).unwrap()
}

fn template() -> Template {
    Template {
        id: "t".into(),
        name: "t".into(),
        definition: "LD".into(),
        format: Format::Mp4,
        segment_seconds: None,
        file_name: None,
        content: Content::Encoded,
        clip: None,
        bandwidth_bps: None,
        encryption: None,
        profile: Profile::default(),
    }
}

/// Sound without pictures.
fn sound(kbps: u32) -> Encoding {
    let audio = AudioEncoding { codec: AudioCodec::Aac, kbps, sample_rate: 44_100, channels: 2, volume_db: 0 };
    Encoding { video: None, audio: Some(audio), exact: false }
}

fn output_of(span: PlannedSpan, encoding: Encoding) -> PlannedOutput {
    PlannedOutput { id: None, template: template(), pieces: Ok(vec![PlannedPiece { span, encoding: Some(encoding) }]) }
}

fn wanted(span: &Span, width: u32) -> PlannedOutput {
    output_of(planned(span), encoding(width))
}

/// A span of two chunks.
fn planned(span: &Span) -> PlannedSpan {
    PlannedSpan {
        source: span.reel,
        from_ticks: span.from_ticks,
        to_ticks: span.to_ticks,
        chunks: 2,
        grown_chunks: 2,
        exact: false,
    }
}

fn made() -> OutputEnd {
    OutputEnd::Made(OutputFacts {
        width: 640,
        height: 360,
        fps: 25.0,
        bitrate_kbps: 900,
        duration_ticks: 90_000,
        size_bytes: 5,
        tracks: Vec::new(),
    })
}

async fn a_rendition_is_made_once_for_all_who_want_it_and_begun_again_when_it_failed(catalog: Catalog) {
    let id = asset(&catalog, "court1", 0).await;
    let of = catalog.spans(id).await.unwrap()[0];
    let wanted = |width| output_of(planned(&of), Encoding { audio: sound(64).audio, ..encoding(width) });
    let begin = async |outputs: &[PlannedOutput]| {
        let task = catalog.begin_transcode(id, "group", at(5)).await.unwrap();
        let task = catalog.transcode_task(task).await.unwrap().unwrap();
        assert!(catalog.plan_transcode(&task, outputs, at(6)).await.unwrap());
        assert!(!catalog.plan_transcode(&task, outputs, at(6)).await.unwrap(), "planned twice");
        task
    };
    let refused = PlannedOutput { pieces: Err("too large".into()), ..wanted(640) };
    let first = begin(&[wanted(640), wanted(320), refused]).await;
    let chunks = || catalog.job_count(kind::ENCODE, JobState::Ready);
    assert_eq!(chunks().await.unwrap(), 2, "one decode feeds both");
    let second = begin(&[wanted(640)]).await;
    assert_eq!((chunks().await.unwrap(), catalog.renditions_of_reel(of.reel).await.unwrap().len()), (2, 3));
    let mut pieces = Vec::new();
    for output in catalog.outputs_of_task(first.id).await.unwrap() {
        pieces.extend(catalog.output_spans(output.id).await.unwrap());
    }
    assert_eq!(pieces.len(), 2);
    assert!(
        pieces[0].sound_reel.is_some() && pieces[0].sound_reel == pieces[1].sound_reel,
        "the same sound goes with both"
    );
    assert_ne!(pieces[0].reel, pieces[1].reel);

    // The last chunk makes the job that joins.
    let run = catalog.renditions_of_reel(of.reel).await.unwrap()[0].run;
    for joins in [0, 1] {
        let mut tx = catalog.begin().await.unwrap();
        tx.chunk_done(run, at(7)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(catalog.job_count(kind::JOIN_RUN, JobState::Ready).await.unwrap(), joins);
    }
    catalog.fail_run(run, "no such codec", at(8)).await.unwrap();
    assert_eq!(chunks().await.unwrap(), 0, "what is left of it is not made");
    let third = begin(&[wanted(640)]).await;
    let renditions = catalog.renditions_of_reel(of.reel).await.unwrap();
    let again: Vec<_> = renditions.iter().filter(|one| one.state == RenditionState::Encoding).collect();
    assert_eq!((renditions.len(), again.len(), chunks().await.unwrap()), (3, 2, 2));
    assert!(again.iter().all(|one| one.run != run));

    let run = catalog.encode_run(again[0].run).await.unwrap().unwrap();
    let mut tx = catalog.begin().await.unwrap();
    tx.finish_run(&run, of.to_ticks, at(9)).await.unwrap();
    tx.commit().await.unwrap();
    begin(&[wanted(640)]).await;
    assert_eq!(chunks().await.unwrap(), 2, "what is there is not made again");

    // What ends is told once, and the task with its last output.
    for (task, outcome) in [(&first, OutputEnd::Failed("no such codec".into())), (&second, made()), (&third, made())] {
        for output in catalog.outputs_of_task(task.id).await.unwrap() {
            let mut tx = catalog.begin().await.unwrap();
            assert!(!tx.finish_task(task, at(10)).await.unwrap(), "an output is being made");
            assert!(tx.finish_output(&output, outcome.clone(), at(10)).await.unwrap());
            assert!(!tx.finish_output(&output, outcome.clone(), at(10)).await.unwrap());
            tx.commit().await.unwrap();
        }
        let mut tx = catalog.begin().await.unwrap();
        assert!(!tx.finish_task(task, at(11)).await.unwrap(), "its snapshots are being taken");
        for job in catalog.picture_jobs(id).await.unwrap().iter().filter(|job| job.task == Some(task.id)) {
            assert!(tx.finish_pictures(job.id, &[], at(11)).await.unwrap());
        }
        assert!(tx.finish_task(task, at(11)).await.unwrap());
        tx.commit().await.unwrap();
    }
    let told = catalog.events_of_asset(id).await.unwrap();
    let count = |wanted: fn(&Event) -> bool| told.iter().filter(|one| wanted(&one.event.event)).count();
    assert_eq!(count(|event| matches!(event, Event::StreamTranscoded { .. })), 5);
    assert_eq!(count(|event| matches!(event, Event::Transcoded { .. })), 3);
    assert_eq!(catalog.outputs_of_asset(id).await.unwrap().len(), 2);
    // A rendition is needed by the outputs that are made of it, each of all of it.
    let claims = catalog.claims_on_reel(again[0].reel).await.unwrap();
    assert!(claims.len() == 4 && claims.iter().all(|claim| claim.state == ClaimState::Live), "{claims:?}");
    assert!(claims.iter().all(|claim| (claim.from_ticks, claim.to_ticks) == (of.from_ticks, of.to_ticks)));
    let rows = catalog.rows_of(Subject::Asset(id)).await.unwrap();
    let tables = ["asset", "event", "output", "output_span", "picture_job", "span", "transcode_task"];
    assert_eq!(rows.keys().collect::<Vec<_>>(), tables);
    let rows = catalog.rows_of(Subject::Reel(again[0].reel)).await.unwrap();
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["reel", "rendition"]);
}

/// Sealed after a minute under a template group.
fn under_group(recording: &Recording, cycle: &OpenCycle) -> SealedCycle {
    let (template_group, status) = ("group".into(), AssetStatus::UploadSucc);
    SealedCycle { template_group, status, ..sealed(recording, cycle, 60) }
}

async fn a_cycle_that_grows_is_encoded_once_and_its_task_completes_what_was_begun(catalog: Catalog) {
    let chunks = || catalog.job_count(kind::ENCODE, JobState::Ready);
    let joins = || catalog.job_count(kind::JOIN_RUN, JobState::Ready);
    let (recording, cycle) = begun(&catalog, "court1", 0).await;
    let facts = SourceFacts { audio_kbps: 128, has_audio: true, ..SourceFacts::default() };
    let (asset, source, from_ticks) = (cycle.asset, recording.reel, cycle.from_ticks);
    let encodings = [sound(64), sound(96)];
    let new = NewLiveRun { asset, source, from_ticks, facts, encodings: &encodings };
    for begun in [true, false] {
        assert_eq!(catalog.begin_live_run(&new, at(1)).await.unwrap(), begun);
    }
    let run = catalog.live_run(asset).await.unwrap().unwrap();
    assert_eq!((run.chunks, run.whole, run.facts), (0, false, facts));
    for grown in [2, 1, 3] {
        catalog.grow_live_run(run.id, grown, at(2)).await.unwrap();
    }
    assert_eq!(chunks().await.unwrap(), 3);
    for _ in 0..3 {
        let mut tx = catalog.begin().await.unwrap();
        tx.chunk_done(run.id, at(3)).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(joins().await.unwrap(), 0, "more may come");
    assert_eq!(catalog.forsaken_runs().await.unwrap(), [], "its cycle grows");

    // Sealed, its renditions are those of the asset's stretch; the task has the fourth chunk encoded, and a third encoding.
    catalog.seal_cycle(&under_group(&recording, &cycle), None).await.unwrap();
    let of = catalog.spans(asset).await.unwrap()[0];
    let ends = |found: Vec<Rendition>| found.iter().map(|one| one.to_ticks).collect::<Vec<_>>();
    assert_eq!(ends(catalog.renditions_of_reel(source).await.unwrap()), [of.to_ticks; 2]);
    let task = catalog.transcode_tasks(asset).await.unwrap().remove(0);
    let span = PlannedSpan {
        source,
        from_ticks: of.from_ticks,
        to_ticks: of.to_ticks,
        chunks: 4,
        grown_chunks: 4,
        exact: false,
    };
    let wanted = |kbps| output_of(span, sound(kbps));
    assert_eq!(catalog.forsaken_runs().await.unwrap(), [], "its task is not planned yet");
    catalog.grow_live_run(run.id, 9, at(4)).await.unwrap();
    assert_eq!(chunks().await.unwrap(), 3, "what follows is another cycle's");
    catalog.plan_transcode(&task, &[wanted(64), wanted(128)], at(5)).await.unwrap();
    assert_eq!((chunks().await.unwrap(), catalog.renditions_of_reel(source).await.unwrap().len()), (3 + 1 + 4, 3));
    let whole = catalog.encode_run(run.id).await.unwrap().unwrap();
    assert_eq!((whole.chunks, whole.done, whole.renditions.len()), (4, 3, 2));
    catalog.grow_live_run(run.id, 9, at(6)).await.unwrap();
    assert_eq!(catalog.encode_run(run.id).await.unwrap().unwrap().chunks, 4, "it grows no more");
    let mut tx = catalog.begin().await.unwrap();
    tx.chunk_done(run.id, at(7)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(joins().await.unwrap(), 1);
    // A chunk that does not fit its source is made again once.
    assert!(catalog.mend_live_run(run.id, &[3], at(8)).await.unwrap());
    assert!(!catalog.mend_live_run(run.id, &[3], at(8)).await.unwrap());
    assert_eq!(catalog.encode_run(run.id).await.unwrap().unwrap().done, 3);

    // What a planned task has not taken, and what came to no asset, is given up.
    for forsaken in [false, true] {
        let (recording, cycle) = begun(&catalog, if forsaken { "court3" } else { "court2" }, 0).await;
        let (asset, source) = (cycle.asset, recording.reel);
        catalog.begin_live_run(&NewLiveRun { asset, source, ..new }, at(1)).await.unwrap();
        let run = catalog.live_run(asset).await.unwrap().unwrap().id;
        if forsaken {
            catalog.end_recording(recording.id, None, at(4)).await.unwrap();
            assert_eq!(catalog.forsaken_runs().await.unwrap(), [run]);
            continue;
        }
        catalog.seal_cycle(&under_group(&recording, &cycle), None).await.unwrap();
        let mut tx = catalog.begin().await.unwrap();
        tx.forsake_live_run(asset, at(5)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(catalog.encode_run(run).await.unwrap().unwrap().state, RenditionState::Failed);
    }

    // What was sealed before its run was begun is its task's alone.
    let (recording, cycle) = begun(&catalog, "court4", 0).await;
    catalog.seal_cycle(&under_group(&recording, &cycle), None).await.unwrap();
    let late = NewLiveRun { asset: cycle.asset, source: recording.reel, ..new };
    assert!(!catalog.begin_live_run(&late, at(5)).await.unwrap());
    assert_eq!(catalog.live_run(cycle.asset).await.unwrap(), None);
}

/// An asset whose source is in place and of which nothing is made.
async fn stored(catalog: &Catalog, stream: &str) -> (AssetId, Span) {
    let (recording, cycle) = begun(catalog, stream, 0).await;
    let sealed = SealedCycle { status: AssetStatus::UploadSucc, ..sealed(&recording, &cycle, 20) };
    catalog.seal_cycle(&sealed, None).await.unwrap();
    catalog.end_recording(recording.id, Some(20 * 90_000), at(30)).await.unwrap();
    let span = catalog.spans(cycle.asset).await.unwrap()[0];
    (cycle.asset, span)
}

fn new_task(asset: AssetId, outputs: usize) -> NewTask {
    NewTask {
        asset,
        template_group: "group".into(),
        templates: vec![template(); outputs],
        priority: 6,
        user_data: String::new(),
        session: None,
    }
}

async fn submit(catalog: &Catalog, task: &NewTask) -> (TranscodeTask, Vec<JobId>) {
    match catalog.submit_transcode(task, at(40)).await.unwrap() {
        Submitted::Begun { task, outputs } => (catalog.transcode_task(task).await.unwrap().unwrap(), outputs),
        refused => panic!("{refused:?}"),
    }
}

/// Plans the outputs of a task, each of this width.
async fn plan(catalog: &Catalog, task: &TranscodeTask, span: &Span, widths: &[u32]) -> bool {
    let outputs = catalog.outputs_of_task(task.id).await.unwrap();
    let planned_outputs: Vec<_> = outputs
        .iter()
        .zip(widths)
        .map(|(output, width)| PlannedOutput { id: Some(output.id), ..wanted(span, *width) })
        .collect();
    catalog.plan_transcode(task, &planned_outputs, at(41)).await.unwrap()
}

async fn finish_run_of(catalog: &Catalog, output: JobId) {
    let rendition = catalog.renditions_of_output(output).await.unwrap().remove(0);
    let run = catalog.encode_run(rendition.run).await.unwrap().unwrap();
    let mut tx = catalog.begin().await.unwrap();
    tx.finish_run(&run, rendition.to_ticks, at(42)).await.unwrap();
    tx.commit().await.unwrap();
}

/// Ends the snapshots of a task, if they are being taken: there are none.
async fn finish_pictures(catalog: &Catalog, task: &TranscodeTask) {
    let jobs = catalog.picture_jobs(task.asset).await.unwrap();
    for job in jobs.iter().filter(|job| job.task == Some(task.id)) {
        catalog.finish_pictures(job.id, &[], at(42)).await.unwrap();
    }
}

async fn finish_outputs(catalog: &Catalog, task: &TranscodeTask) {
    finish_pictures(catalog, task).await;
    let mut tx = catalog.begin().await.unwrap();
    let open = catalog.outputs_of_task(task.id).await.unwrap();
    for output in open.iter().filter(|output| output.state == OutputState::Running) {
        tx.finish_output(output, made(), at(43)).await.unwrap();
    }
    assert!(tx.finish_task(task, at(43)).await.unwrap());
    tx.commit().await.unwrap();
}

async fn status(catalog: &Catalog, asset: AssetId) -> AssetStatus {
    catalog.asset(asset).await.unwrap().unwrap().status
}

async fn set_job(catalog: &Catalog, id: JobId, change: &'static str) {
    let mut tx = catalog.begin().await.unwrap();
    sql::Sql::new("UPDATE job SET ").text(change).with(" WHERE id = ", id).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn jobs_of(catalog: &Catalog, kind: &str, state: JobState) -> u64 {
    catalog.job_count(kind, state).await.unwrap()
}

async fn a_task_that_is_asked_for_has_its_outputs_at_once_and_keeps_them(catalog: Catalog) {
    let (asset, span) = stored(&catalog, "court1").await;
    let asked = NewTask { session: Some("one".into()), user_data: "{}".into(), ..new_task(asset, 2) };
    let (task, outputs) = submit(&catalog, &asked).await;
    assert_eq!((task.cause, task.state, task.user_data.as_str()), (TaskCause::Manual, TaskState::Planning, "{}"));
    let told = catalog.outputs_of_task(task.id).await.unwrap();
    assert_eq!(told.iter().map(|output| output.id).collect::<Vec<_>>(), outputs);
    assert_eq!(status(&catalog, asset).await, AssetStatus::Transcoding);
    let refused = catalog.submit_transcode(&new_task(asset, 1), at(41)).await.unwrap();
    assert_eq!(refused, Submitted::Refused(AssetStatus::Transcoding));
    assert!(plan(&catalog, &task, &span, &[640, 320]).await);
    // Planned anew, as after a rebuild: the same outputs, and what is being made goes on.
    let renditions = catalog.renditions_of_output(outputs[0]).await.unwrap();
    catalog.plan_again(asset, at(42)).await.unwrap();
    assert_eq!(catalog.renditions_of_output(outputs[0]).await.unwrap(), []);
    assert!(plan(&catalog, &task, &span, &[640, 320]).await);
    assert_eq!(catalog.renditions_of_output(outputs[0]).await.unwrap(), renditions);
    assert_eq!(catalog.outputs_of_task(task.id).await.unwrap(), told);
    finish_outputs(&catalog, &task).await;
    assert_eq!(status(&catalog, asset).await, AssetStatus::Normal);

    // A session names one request for seven days.
    assert_eq!(catalog.submit_transcode(&asked, at(50)).await.unwrap(), Submitted::Repeated);
    let week = 7 * 86_400;
    assert_eq!(catalog.submit_transcode(&asked, at(40 + week)).await.unwrap(), Submitted::Repeated);
    let later = catalog.submit_transcode(&asked, at(41 + week)).await.unwrap();
    assert!(matches!(later, Submitted::Begun { .. }), "{later:?}");
    assert_eq!(status(&catalog, asset).await, AssetStatus::Normal, "it can be played meanwhile");
    let all = catalog.transcode_tasks(asset).await.unwrap();
    let page = |number| Page { number, size: 1 };
    let listed = catalog.transcode_tasks_between(asset, (None, None), page(2)).await.unwrap();
    assert_eq!((all.len(), &listed[..]), (2, &all[1..]));
    let listed = catalog.transcode_tasks_between(asset, (Some(at(40)), Some(at(90))), page(1)).await.unwrap();
    assert_eq!(listed.len(), 1);
    let nobody = new_task(AssetId::from_u128(1), 1);
    assert!(matches!(catalog.submit_transcode(&nobody, at(0)).await, Err(CatalogError::NotFound { .. })));
}

async fn a_run_that_a_task_of_higher_priority_waits_for_hurries(catalog: Catalog) {
    let (asset, span) = stored(&catalog, "court1").await;
    let (low, _) = submit(&catalog, &NewTask { priority: 1, ..new_task(asset, 1) }).await;
    assert!(plan(&catalog, &low, &span, &[640]).await);
    let priorities = async || {
        let jobs = catalog.all_rows().await.unwrap()["job"].clone();
        let of_chunks = jobs.into_iter().filter(|job| job["kind"] == kind::ENCODE);
        of_chunks.map(|job| job["priority"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(priorities().await, [1, 1]);
    catalog.begin_transcode(asset, "group", at(41)).await.unwrap();
    let high = catalog.transcode_tasks(asset).await.unwrap().remove(0);
    let high = TranscodeTask { priority: 9, ..high };
    assert!(catalog.plan_transcode(&high, &[wanted(&span, 640)], at(42)).await.unwrap());
    assert_eq!(priorities().await, [9, 9]);
}

async fn the_progress_of_an_output_grows_with_its_chunks_and_does_not_fall(catalog: Catalog) {
    let (asset, span) = stored(&catalog, "court1").await;
    let (task, outputs) = submit(&catalog, &new_task(asset, 1)).await;
    let progress = async || catalog.output_progress(&outputs).await.unwrap().get(&outputs[0]).copied();
    assert_eq!(progress().await, None);
    assert!(plan(&catalog, &task, &span, &[640]).await);
    let run = catalog.renditions_of_output(outputs[0]).await.unwrap()[0].run;
    let chunk = async |number: u32| {
        let jobs = catalog.all_rows().await.unwrap()["job"].clone();
        let key = format!("encode/{run}/{number}");
        let job = jobs.into_iter().find(|job| job["unique_key"] == key.as_str()).unwrap();
        job["id"].as_str().unwrap().parse::<JobId>().unwrap()
    };
    let (first, second) = (chunk(0).await, chunk(1).await);
    let mut seen = vec![progress().await.unwrap()];
    for (job, change) in [
        (first, "state = 'running', progress = 50"),
        (second, "state = 'running', progress = 30"),
        (second, "state = 'ready'"),
    ] {
        set_job(&catalog, job, change).await;
        seen.push(progress().await.unwrap());
    }
    let mut tx = catalog.begin().await.unwrap();
    sql::Sql::new("UPDATE job SET state = 'done', progress = 100 WHERE id = $1").arg(first).run(&mut tx).await.unwrap();
    tx.chunk_done(run, at(42)).await.unwrap();
    tx.commit().await.unwrap();
    seen.push(progress().await.unwrap());
    set_job(&catalog, second, "state = 'dead'").await;
    catalog.fail_run(run, "no such codec", at(43)).await.unwrap();
    seen.push(progress().await.unwrap());
    assert_eq!(seen, [0, 25, 40, 40, 65, 65]);
    let output = catalog.output(outputs[0]).await.unwrap().unwrap();
    let mut tx = catalog.begin().await.unwrap();
    tx.finish_output(&output, OutputEnd::Failed("no such codec".into()), at(44)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(catalog.output(outputs[0]).await.unwrap().unwrap().progress, 65);
}

async fn a_cancelled_task_ends_what_nobody_else_wants_and_tells_it(catalog: Catalog) {
    let (asset, span) = stored(&catalog, "court1").await;
    let (task, outputs) = submit(&catalog, &new_task(asset, 2)).await;
    assert!(plan(&catalog, &task, &span, &[640, 320]).await);
    assert_eq!(catalog.cancel_task(task.id, at(50)).await.unwrap(), outputs);
    assert_eq!(jobs_of(&catalog, kind::ENCODE, JobState::Cancelled).await, 2);
    assert_eq!(status(&catalog, asset).await, AssetStatus::UploadSucc, "as it was before");
    assert_eq!(catalog.transcode_task(task.id).await.unwrap().unwrap().state, TaskState::Done);
    let told = catalog.events_of_asset(asset).await.unwrap();
    let told: Vec<_> = told.into_iter().map(|stored| stored.event.event).skip(1).collect();
    let cancelled = |stream: &domain::event::StreamInfo| stream.outcome == domain::event::StreamOutcome::Cancelled;
    assert!(
        matches!(&told[..], [Event::StreamTranscoded { stream: one }, Event::StreamTranscoded { stream: two },
            Event::Transcoded { streams }] if cancelled(one) && cancelled(two) && streams.iter().all(cancelled)),
        "{told:?}"
    );
    assert_eq!(catalog.cancel_task(task.id, at(51)).await.unwrap(), []);
    let nobody = catalog.cancel_task(JobId::from_u128(1), at(51)).await;
    assert!(matches!(nobody, Err(CatalogError::NotFound { .. })), "{nobody:?}");
    // What was made of it can go; a rendition that somebody wants again stays.
    assert_eq!(jobs_of(&catalog, kind::FREE_REEL, JobState::Ready).await, 2);
    let renditions = catalog.renditions_of_reel(span.reel).await.unwrap();
    assert!(
        renditions.iter().all(|one| one.state == RenditionState::Failed && one.unwanted.is_some()),
        "{renditions:?}"
    );

    // Two tasks want the same: the second goes on alone.
    let (one, _) = submit(&catalog, &new_task(asset, 2)).await;
    assert!(plan(&catalog, &one, &span, &[640, 160]).await);
    catalog.begin_transcode(asset, "group", at(52)).await.unwrap();
    let other = catalog.transcode_tasks(asset).await.unwrap().into_iter().find(|task| task.cause == TaskCause::Auto);
    let other = other.unwrap();
    assert!(catalog.plan_transcode(&other, &[wanted(&span, 640)], at(53)).await.unwrap());
    catalog.cancel_task(one.id, at(54)).await.unwrap();
    assert_eq!(status(&catalog, asset).await, AssetStatus::Transcoding, "the other task is at it");
    let renditions = catalog.renditions_of_reel(span.reel).await.unwrap();
    let unwanted: Vec<_> = renditions
        .iter()
        .filter(|one| one.state == RenditionState::Encoding)
        .map(|one| (one.encoding.video.as_ref().unwrap().width, one.unwanted.is_some()))
        .collect();
    assert_eq!(unwanted, [(640, false), (160, true)], "both are made from one decode");
    assert_eq!(jobs_of(&catalog, kind::ENCODE, JobState::Ready).await, 2);

    // A worker that is at it is told; until it has ended nothing is removed.
    let jobs = catalog.all_rows().await.unwrap()["job"].clone();
    let chunk = jobs.iter().find(|job| job["kind"] == kind::ENCODE && job["state"] == "ready").unwrap();
    let chunk: JobId = chunk["id"].as_str().unwrap().parse().unwrap();
    set_job(&catalog, chunk, "state = 'running'").await;
    catalog.cancel_task(other.id, at(55)).await.unwrap();
    assert!(catalog.job(chunk).await.unwrap().unwrap().cancel_requested);
    for rendition in catalog.renditions_of_reel(span.reel).await.unwrap() {
        let width = rendition.encoding.video.as_ref().unwrap().width;
        let wanted = if width == 320 { GivenUp::Gone } else { GivenUp::Busy };
        assert_eq!(catalog.give_up_rendition(rendition.reel).await.unwrap(), wanted, "{width}");
    }
    set_job(&catalog, chunk, "state = 'cancelled'").await;
    assert!(catalog.renditions_of_reel(span.reel).await.unwrap().is_empty());
    let freed = catalog.all_rows().await.unwrap()["rendition"].clone();
    for row in &freed {
        let reel = row["reel"].as_str().unwrap().parse().unwrap();
        assert_eq!(catalog.give_up_rendition(reel).await.unwrap(), GivenUp::Gone);
        catalog.mark_rendition_deleted(reel).await.unwrap();
        assert_eq!(catalog.reel(reel).await.unwrap().unwrap().state, ReelState::Deleted);
    }
    // Made anew it is another reel.
    let (again, outputs) = submit(&catalog, &new_task(asset, 1)).await;
    assert!(plan(&catalog, &again, &span, &[640]).await);
    let anew = catalog.renditions_of_output(outputs[0]).await.unwrap()[0].reel;
    assert!(freed.iter().all(|row| row["reel"] != anew.to_string().as_str()));
}

async fn a_deleted_stream_is_told_and_frees_what_no_other_output_needs(catalog: Catalog) {
    let (asset, span) = stored(&catalog, "court1").await;
    let (task, outputs) = submit(&catalog, &new_task(asset, 3)).await;
    assert!(plan(&catalog, &task, &span, &[640, 640, 320]).await);
    let not_made = catalog.delete_streams(asset, &outputs[..1], at(50)).await;
    assert!(matches!(not_made, Err(CatalogError::NotFound { what: "stream", .. })), "{not_made:?}");
    finish_run_of(&catalog, outputs[0]).await;
    finish_outputs(&catalog, &task).await;
    let [large, small] = [outputs[0], outputs[2]].map(|output| (&catalog, output));
    let reel = async |(catalog, output): (&Catalog, JobId)| catalog.renditions_of_output(output).await.unwrap()[0].reel;
    let (large, small) = (reel(large).await, reel(small).await);

    let nobody = catalog.delete_streams(asset, &[outputs[0], JobId::from_u128(1)], at(50)).await;
    assert!(matches!(nobody, Err(CatalogError::NotFound { .. })), "{nobody:?}");
    assert_eq!(catalog.outputs_of_asset(asset).await.unwrap().len(), 3, "all or nothing");
    catalog.delete_streams(asset, &[outputs[0], outputs[2]], at(51)).await.unwrap();
    assert_eq!(
        catalog.outputs_of_asset(asset).await.unwrap().iter().map(|one| one.id).collect::<Vec<_>>(),
        [outputs[1]]
    );
    let event = catalog.events_of_asset(asset).await.unwrap().pop().unwrap().event.event;
    assert_eq!(event, Event::StreamsDeleted { jobs: vec![outputs[0], outputs[2]] });
    assert_eq!(catalog.give_up_rendition(large).await.unwrap(), GivenUp::Needed);
    assert_eq!(catalog.give_up_rendition(small).await.unwrap(), GivenUp::Gone);
    assert_eq!(jobs_of(&catalog, kind::FREE_REEL, JobState::Ready).await, 1);
    // Of a deleted asset everything is needed until its media is given up.
    catalog.delete_asset(asset, Duration::ZERO, at(60)).await.unwrap();
    assert_eq!(catalog.claims_on_reel(large).await.unwrap()[0].state, ClaimState::Deleted);
    assert_eq!(catalog.give_up_rendition(large).await.unwrap(), GivenUp::Needed);
    catalog.give_up_garbage(span.reel).await.unwrap();
    assert_eq!(catalog.claims_on_reel(large).await.unwrap()[0].state, ClaimState::Freed);
    assert_eq!(catalog.give_up_rendition(large).await.unwrap(), GivenUp::Gone);
    // Jobs that were lost are made up for until it is done.
    assert_eq!(catalog.free_what_is_due(at(61)).await.unwrap(), 2);
    for reel in [large, small] {
        catalog.mark_rendition_deleted(reel).await.unwrap();
    }
    assert_eq!(catalog.free_what_is_due(at(62)).await.unwrap(), 0);
}

async fn the_sound_of_a_ladder_is_kept_for_its_last_output(catalog: Catalog) {
    let (asset, span) = stored(&catalog, "court1").await;
    let (task, outputs) = submit(&catalog, &new_task(asset, 2)).await;
    let of = |at: usize, width| {
        let both = Encoding { audio: sound(64).audio, ..encoding(width) };
        PlannedOutput { id: Some(outputs[at]), ..output_of(planned(&span), both) }
    };
    assert!(catalog.plan_transcode(&task, &[of(0, 640), of(1, 320)], at(41)).await.unwrap());
    let made_of = async |at: usize| catalog.output_spans(outputs[at]).await.unwrap()[0];
    let (large, small) = (made_of(0).await, made_of(1).await);
    let shared = large.sound_reel.unwrap();
    assert_eq!(small.sound_reel, Some(shared));
    // An output whose pictures are there is as far as its sound.
    let mut tx = catalog.begin().await.unwrap();
    sql::Sql::new("UPDATE rendition SET state = 'ready' WHERE reel = $1").arg(large.reel).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(catalog.output_progress(&outputs).await.unwrap()[&outputs[0]], 0);
    finish_run_of(&catalog, outputs[0]).await;
    finish_outputs(&catalog, &task).await;
    assert_eq!(catalog.claims_on_reel(shared).await.unwrap().len(), 2);
    catalog.delete_streams(asset, &outputs[..1], at(50)).await.unwrap();
    assert_eq!(catalog.give_up_rendition(large.reel).await.unwrap(), GivenUp::Gone);
    assert_eq!(catalog.give_up_rendition(shared).await.unwrap(), GivenUp::Needed);
    catalog.delete_streams(asset, &outputs[1..], at(51)).await.unwrap();
    assert_eq!(jobs_of(&catalog, kind::FREE_REEL, JobState::Ready).await, 3);
    for reel in [small.reel, shared] {
        assert_eq!(catalog.give_up_rendition(reel).await.unwrap(), GivenUp::Gone);
    }
}

async fn the_work_on_a_deleted_asset_ends_and_goes_on_when_it_is_restored(catalog: Catalog) {
    let (asset, span) = stored(&catalog, "court1").await;
    let (task, outputs) = submit(&catalog, &new_task(asset, 1)).await;
    assert!(plan(&catalog, &task, &span, &[640]).await);
    let before = catalog.events_of_asset(asset).await.unwrap().len();
    catalog.delete_asset(asset, Duration::from_secs(60), at(50)).await.unwrap();
    assert_eq!(jobs_of(&catalog, kind::ENCODE, JobState::Cancelled).await, 2);
    assert_eq!(catalog.events_of_asset(asset).await.unwrap().len(), before + 2, "nothing is told of its streams");
    assert!(!plan(&catalog, &task, &span, &[640]).await, "planned though it is deleted");
    assert_eq!(catalog.stuck_runs().await.unwrap(), []);
    catalog.restore_asset(asset, at(51)).await.unwrap();
    assert_eq!(status(&catalog, asset).await, AssetStatus::Transcoding);
    assert!(plan(&catalog, &task, &span, &[640]).await);
    assert_eq!(jobs_of(&catalog, kind::ENCODE, JobState::Ready).await, 2);
    finish_run_of(&catalog, outputs[0]).await;
    finish_outputs(&catalog, &task).await;
    assert_eq!(status(&catalog, asset).await, AssetStatus::Normal);
}

async fn what_was_encoded_of_a_growing_cycle_and_no_output_takes_is_removed(catalog: Catalog) {
    let facts = SourceFacts::default();
    let growing = async |stream: &str| {
        let (recording, cycle) = begun(&catalog, stream, 0).await;
        let (asset, source, from_ticks) = (cycle.asset, recording.reel, cycle.from_ticks);
        let encodings = [encoding(640), encoding(320)];
        let new = NewLiveRun { asset, source, from_ticks, facts, encodings: &encodings };
        catalog.begin_live_run(&new, at(1)).await.unwrap();
        let run = catalog.live_run(asset).await.unwrap().unwrap().id;
        catalog.grow_live_run(run, 1, at(2)).await.unwrap();
        catalog.seal_cycle(&under_group(&recording, &cycle), None).await.unwrap();
        catalog.end_recording(recording.id, Some(60 * 90_000), at(90)).await.unwrap();
        (asset, catalog.spans(asset).await.unwrap()[0], run)
    };
    let state = async |run| catalog.encode_run(run).await.unwrap().unwrap().state;
    let unwanted = async |span: Span| {
        let all = catalog.renditions_of_reel(span.reel).await.unwrap();
        all.iter().filter(|one| one.unwanted.is_some()).count()
    };
    // The group has changed: of two renditions one is taken.
    let (asset, span, run) = growing("court1").await;
    let task = catalog.transcode_tasks(asset).await.unwrap().remove(0);
    assert!(catalog.plan_transcode(&task, &[wanted(&span, 640)], at(91)).await.unwrap());
    let whole = catalog.encode_run(run).await.unwrap().unwrap();
    let mut tx = catalog.begin().await.unwrap();
    tx.finish_run(&whole, span.to_ticks, at(92)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((unwanted(span).await, jobs_of(&catalog, kind::FREE_REEL, JobState::Ready).await), (1, 1));
    // The video is deleted, or its task cancelled, before it is planned.
    for deleted in [true, false] {
        let (asset, span, run) = growing(if deleted { "court2" } else { "court3" }).await;
        if deleted {
            catalog.delete_asset(asset, Duration::from_secs(60), at(91)).await.unwrap();
        } else {
            let task = catalog.transcode_tasks(asset).await.unwrap().remove(0);
            assert_eq!(catalog.cancel_task(task.id, at(91)).await.unwrap(), []);
            assert_eq!(status(&catalog, asset).await, AssetStatus::UploadSucc);
        }
        assert_eq!((state(run).await, unwanted(span).await), (RenditionState::Failed, 2), "deleted: {deleted}");
        assert_eq!(catalog.forsaken_runs().await.unwrap(), []);
    }
}

async fn what_was_given_up_is_done_once_more_on_request(catalog: Catalog) {
    let (asset, span) = stored(&catalog, "court1").await;
    let (task, outputs) = submit(&catalog, &new_task(asset, 1)).await;
    // Its planning is given up: then so is the task.
    let job = catalog.all_rows().await.unwrap()["job"].clone();
    let job = job.iter().find(|job| job["kind"] == kind::TRANSCODE).unwrap()["id"].as_str().unwrap().parse().unwrap();
    set_job(&catalog, job, "state = 'dead', error = 'no index'").await;
    assert_eq!(catalog.stuck_tasks().await.unwrap(), [(task.id, "no index".to_owned())]);
    catalog.fail_task(task.id, "no index", at(42)).await.unwrap();
    assert_eq!(catalog.stuck_tasks().await.unwrap(), []);
    assert_eq!(status(&catalog, asset).await, AssetStatus::Transcoding, "its snapshots are being taken");
    finish_pictures(&catalog, &task).await;
    let mut tx = catalog.begin().await.unwrap();
    assert!(tx.finish_task(&task, at(42)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(status(&catalog, asset).await, AssetStatus::TranscodeFail);
    let output = catalog.output(outputs[0]).await.unwrap().unwrap();
    assert_eq!((output.state, output.error.as_deref()), (OutputState::Failed, Some("no index")));

    assert_eq!(catalog.retry_job(outputs[0], at(43)).await.unwrap(), Retried::Begun);
    assert_eq!(catalog.retry_job(outputs[0], at(43)).await.unwrap(), Retried::Needless);
    assert_eq!(status(&catalog, asset).await, AssetStatus::Transcoding);
    assert!(plan(&catalog, &task, &span, &[640]).await);
    // A chunk is given up, and with it the run and the output: asking for the chunk makes the output.
    let run = catalog.renditions_of_output(outputs[0]).await.unwrap()[0].run;
    let jobs = catalog.all_rows().await.unwrap()["job"].clone();
    let chunk = jobs.iter().find(|job| job["kind"] == kind::ENCODE).unwrap()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(catalog.retry_job(chunk, at(44)).await.unwrap(), Retried::Needless, "it waits");
    set_job(&catalog, chunk, "state = 'dead', error = 'no codec', finished = 1").await;
    assert_eq!(catalog.stuck_runs().await.unwrap(), [(run, "no codec".to_owned())]);
    catalog.fail_run(run, "no codec", at(45)).await.unwrap();
    let output = catalog.output(outputs[0]).await.unwrap().unwrap();
    let mut tx = catalog.begin().await.unwrap();
    tx.finish_output(&output, OutputEnd::Failed("no codec".into()), at(46)).await.unwrap();
    tx.finish_task(&task, at(46)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(catalog.retry_job(chunk, at(47)).await.unwrap(), Retried::Begun);
    assert!(plan(&catalog, &task, &span, &[640]).await);
    finish_run_of(&catalog, outputs[0]).await;
    finish_outputs(&catalog, &task).await;
    assert_eq!(status(&catalog, asset).await, AssetStatus::Normal);

    // Any other job is as new, unless another one does the same by now.
    let again = || catalog.analyse_again(asset, at(48));
    let jobs = catalog.all_rows().await.unwrap()["job"].clone();
    let analysis = jobs.iter().find(|job| job["kind"] == kind::ANALYSE).unwrap()["id"].as_str().unwrap();
    let analysis: JobId = analysis.parse().unwrap();
    set_job(&catalog, analysis, "state = 'dead', attempt = 10, finished = 1").await;
    again().await.unwrap();
    assert_eq!(catalog.retry_job(analysis, at(49)).await.unwrap(), Retried::Needless);
    let mut tx = catalog.begin().await.unwrap();
    let done = sql::Sql::new("UPDATE job SET state = 'done' WHERE kind = 'analyse' AND state = 'ready'");
    done.run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(catalog.retry_job(analysis, at(49)).await.unwrap(), Retried::Begun);
    let job = catalog.job(analysis).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt, job.finished), (JobState::Ready, 0, None));
    let nobody = catalog.retry_job(JobId::from_u128(1), at(49)).await;
    assert!(matches!(nobody, Err(CatalogError::NotFound { .. })), "{nobody:?}");
}

async fn the_events_of_an_asset_are_numbered_without_a_hole_whoever_tells_them(catalog: Catalog) {
    const EACH: u32 = 12;
    let asset = AssetId::from_u128(7);
    let event = move || AssetEvent { asset, at: at(0), event: Event::SourceInPlace { size_bytes: None } };
    let tellers: Vec<_> = (0..6)
        .map(|teller| {
            let catalog = catalog.clone();
            tokio::spawn(async move {
                for turn in 0..EACH {
                    let mut tx = catalog.begin().await.unwrap();
                    tx.push_event(&event()).await.unwrap();
                    tx.push_event(&event()).await.unwrap();
                    // Every third is dropped, and leaves no hole.
                    if (turn + teller) % 3 > 0 {
                        tx.commit().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for teller in tellers {
        teller.await.unwrap();
    }
    let told = catalog.events_of_asset(asset).await.unwrap();
    assert_eq!(told.len(), 6 * 8 * 2);
    assert_eq!(told.iter().map(|event| event.number).collect::<Vec<_>>(), (1..=96).collect::<Vec<_>>());
    // They are delivered in the order of their numbers.
    let mut jobs = Vec::new();
    for event in &told {
        jobs.push(catalog.job(event.job).await.unwrap().unwrap().seq);
    }
    assert!(jobs.is_sorted_by(|one, other| one < other), "{jobs:?}");
    // Each asset counts for itself.
    let other = AssetEvent { asset: AssetId::from_u128(8), ..event() };
    let other = catalog.push_event(&other).await.unwrap();
    assert_eq!(catalog.event(other).await.unwrap().unwrap().number, 1);
}

async fn events_are_found_by_what_they_are_and_what_became_of_them(catalog: Catalog) {
    let (one, two) = (AssetId::from_u128(1), AssetId::from_u128(2));
    let mut told = Vec::new();
    // The clock goes back between the second and the third: the numbers do not.
    for (asset, second, event) in [
        (one, 1, Event::SourceInPlace { size_bytes: None }),
        (one, 5, Event::AssetDeleted),
        (one, 3, Event::Transcoded { streams: Vec::new() }),
        (two, 4, Event::SourceInPlace { size_bytes: None }),
    ] {
        let event = AssetEvent { asset, at: at(second), event };
        told.push(catalog.push_event_for(&event, "{\"Extend\":\"x\"}").await.unwrap());
    }
    catalog.set_event_outcome(told[1], EventOutcome::Delivered).await.unwrap();
    let job = catalog.event(told[2]).await.unwrap().unwrap().job;
    set_job(&catalog, job, "state = 'dead'").await;
    let listed = async |filter: EventFilter, order| -> Vec<usize> {
        // One by one, which is as good as all at once.
        let (mut found, mut after) = (Vec::new(), None);
        while let Some(event) = catalog.events(&filter, order, after, 1).await.unwrap().pop() {
            after = Some(event.cursor());
            assert_eq!(event.user_data, "{\"Extend\":\"x\"}");
            found.push(told.iter().position(|id| *id == event.id).unwrap());
        }
        found
    };
    let all = EventFilter::default;
    let of = |asset| EventFilter { asset: Some(asset), ..all() };
    assert_eq!(listed(all(), Order::Ascending).await, [0, 2, 3, 1]);
    assert_eq!(listed(all(), Order::Descending).await, [1, 3, 2, 0]);
    assert_eq!(listed(of(one), Order::Ascending).await, [0, 1, 2]);
    assert_eq!(listed(of(one), Order::Descending).await, [2, 1, 0]);
    let in_place = EventFilter { kinds: vec!["source_in_place"], ..all() };
    assert_eq!(listed(in_place, Order::Ascending).await, [0, 3]);
    for (outcome, wanted) in
        [(EventOutcome::Dropped, vec![2]), (EventOutcome::Delivered, vec![1]), (EventOutcome::Pending, vec![0, 3])]
    {
        assert_eq!(listed(EventFilter { outcome: Some(outcome), ..all() }, Order::Ascending).await, wanted);
    }
    let window = EventFilter { from: Some(at(3)), to: Some(at(4)), ..all() };
    assert_eq!(listed(window, Order::Ascending).await, [2, 3]);
    // A body is kept as it was first sent.
    assert_eq!(catalog.keep_sent(told[0], "first").await.unwrap(), "first");
    assert_eq!(catalog.keep_sent(told[0], "second").await.unwrap(), "first");
    assert_eq!(catalog.event(told[0]).await.unwrap().unwrap().sent.as_deref(), Some("first"));
}

async fn events_are_replayed_once_for_all_who_ask(catalog: Catalog) {
    let asset = AssetId::from_u128(1);
    let mut told = Vec::new();
    for second in 0..4 {
        let event = AssetEvent { asset, at: at(second), event: Event::SourceInPlace { size_bytes: None } };
        told.push(catalog.push_event(&event).await.unwrap());
    }
    let job_of = async |event| catalog.event(event).await.unwrap().unwrap().job;
    // Dropped, delivered, being told, waiting.
    let (first, third) = (job_of(told[0]).await, job_of(told[2]).await);
    set_job(&catalog, first, "state = 'dead'").await;
    set_job(&catalog, third, "state = 'running'").await;
    let second = job_of(told[1]).await;
    set_job(&catalog, second, "state = 'done'").await;
    catalog.set_event_outcome(told[1], EventOutcome::Delivered).await.unwrap();

    let undelivered = Replay { asset: Some(asset), only_undelivered: true, ..Replay::default() };
    // Many ask at once: each event has one job that waits.
    let asked: Vec<_> = (0..5)
        .map(|_| {
            let catalog = catalog.clone();
            tokio::spawn(async move { catalog.replay_events(&undelivered, 10, at(10)).await.unwrap() })
        })
        .collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap(), Replayed { replayed: 2, in_flight: 1, more: None });
    }
    assert_eq!(jobs_of(&catalog, kind::CALLBACK, JobState::Ready).await, 2);
    let rows = [job_of(told[0]).await, job_of(told[3]).await].map(|job| (&catalog, job));
    let seq = async |(catalog, job): (&Catalog, JobId)| {
        let row = catalog.job(job).await.unwrap().unwrap();
        assert_eq!((row.state, row.attempt), (JobState::Ready, 0));
        row.seq
    };
    assert!(seq(rows[0]).await < seq(rows[1]).await, "in the order of the video");
    let page = Replay { from: Some(at(0)), ..Replay::default() };
    let one = catalog.replay_events(&page, 1, at(11)).await.unwrap();
    assert_eq!((one.replayed, one.more.is_some()), (1, true));
    let rest = Replay { after: one.more.unwrap(), ..page };
    assert_eq!(
        catalog.replay_events(&rest, 10, at(11)).await.unwrap(),
        Replayed { replayed: 2, in_flight: 1, more: None }
    );
    let single = Replay { event: Some(told[1]), ..Replay::default() };
    assert_eq!(catalog.replay_events(&single, 10, at(11)).await.unwrap().replayed, 1);
    assert_eq!(catalog.event(told[1]).await.unwrap().unwrap().outcome, EventOutcome::Pending);
    // A dropped event that is retried as a job is replayed.
    let job = job_of(told[1]).await;
    set_job(&catalog, job, "state = 'dead'").await;
    assert_eq!(catalog.retry_job(job, at(12)).await.unwrap(), Retried::Begun);
    assert_ne!(job_of(told[1]).await, job);
}

async fn events_that_an_older_version_described_are_numbered(catalog: Catalog) {
    let id = asset(&catalog, "court1", 0).await;
    catalog.delete_asset(id, Duration::ZERO, at(90)).await.unwrap();
    let mut rows = catalog.rows_of(Subject::Asset(id)).await.unwrap();
    let turned = |id: String| id.chars().rev().collect::<String>();
    let before = catalog.events_of_asset(id).await.unwrap();
    for row in rows.values_mut().flatten() {
        for column in ["number", "kind", "user_data", "sent"] {
            row.remove(column);
        }
    }
    let mut text = serde_json::to_string(&rows).unwrap();
    let ids = before.iter().map(|event| event.id.to_string()).chain([id.to_string()]);
    for old in ids {
        text = text.replace(&old, &turned(old.clone()));
    }
    let restored: Rows = serde_json::from_str(&text).unwrap();
    catalog.restore(&restored).await.unwrap();
    let other = turned(id.to_string()).parse().unwrap();
    let after = catalog.events_of_asset(other).await.unwrap();
    assert_eq!(after.iter().map(|event| event.number).collect::<Vec<_>>(), [1, 2, 3]);
    let kinds = |events: &[StoredEvent]| events.iter().map(|event| event.event.event.kind()).collect::<Vec<_>>();
    assert_eq!(kinds(&after), kinds(&before));
    let found = EventFilter { asset: Some(other), kinds: vec!["asset_deleted"], ..EventFilter::default() };
    assert_eq!(catalog.events(&found, Order::Ascending, None, 9).await.unwrap().len(), 1);
    // The next one goes on from there.
    let next = AssetEvent { asset: other, at: at(99), event: Event::AssetDeleted };
    let next = catalog.push_event(&next).await.unwrap();
    assert_eq!(catalog.event(next).await.unwrap().unwrap().number, 4);
}

async fn what_was_told_of_streams_can_be_read_back(catalog: Catalog) {
    let told = |second: i64, topic: &str, push_domain: Option<&str>, error: Option<&str>| Delivery {
        job: catalog.ids().job(at(second)),
        event: None,
        attempt: 1,
        at: at(second),
        url: "http://a/cb".into(),
        http_status: error.is_none().then_some(200),
        error: error.map(str::to_owned),
        elapsed_ms: 3,
        stream: Some(StreamDelivery {
            topic: topic.into(),
            domain: "play.example.org".into(),
            push_domain: push_domain.map(str::to_owned),
            app: "cup".into(),
            stream: "court1".into(),
            content: "x".into(),
            headers: "y".into(),
            response: "z".into(),
        }),
    };
    let all = [
        told(1, "publish", Some("push.example.org"), Some("no answer")),
        told(2, "publish", Some("other.example.org"), None),
        told(3, "file_created", None, None),
    ];
    for delivery in &all {
        catalog.note_delivery(delivery).await.unwrap();
    }
    let found = async |domain: &str, pushes, change: fn(&mut StreamDeliveryFilter)| {
        let mut filter = StreamDeliveryFilter { domain: domain.into(), pushes, ..StreamDeliveryFilter::default() };
        change(&mut filter);
        let listed = catalog.stream_deliveries(&filter, Page { number: 1, size: 10 }).await.unwrap();
        assert_eq!(listed.total, listed.rows.len() as u64);
        listed.rows
    };
    assert_eq!(found("play.example.org", true, |_| {}).await, [all[1].clone(), all[0].clone()]);
    assert_eq!(found("push.example.org", true, |_| {}).await, [all[0].clone()]);
    assert_eq!(found("play.example.org", false, |_| {}).await, [all[2].clone()]);
    assert_eq!(found("push.example.org", false, |_| {}).await, []);
    assert_eq!(found("play.example.org", true, |filter| filter.success = Some(false)).await, [all[0].clone()]);
    assert_eq!(found("play.example.org", true, |filter| filter.from = Some(at(2))).await, [all[1].clone()]);
    assert_eq!(found("play.example.org", true, |filter| filter.to = Some(at(1))).await, [all[0].clone()]);
    assert_eq!(found("play.example.org", true, |filter| filter.stream = Some("court2".into())).await, []);
    assert_eq!(catalog.deliveries_of_job(all[2].job).await.unwrap(), [all[2].clone()]);
}

async fn a_unique_key_holds_while_its_job_is_unfinished(catalog: Catalog) {
    let retry = Retry::fixed(3, Duration::from_secs(1));
    let job = |key: &str| NewJob { unique_key: Some(key.into()), ..NewJob::new("test", json!({"n": 1}), retry) };
    let woken = catalog.job_made();
    let first = catalog.enqueue(job("a"), at(0)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), woken).await.expect("the queue is woken");
    assert_eq!(catalog.enqueue(job("a"), at(1)).await.unwrap(), first);
    assert_ne!(catalog.enqueue(job("b"), at(1)).await.unwrap(), first);
    assert_eq!(catalog.job_count("test", JobState::Ready).await.unwrap(), 2);
    let row = catalog.job(first).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempt, row.retry, row.fence), (JobState::Ready, 0, retry, 0));
    let mut tx = catalog.begin().await.unwrap();
    sql::Sql::new("UPDATE job SET state = 'done' WHERE id = $1").arg(first).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(catalog.enqueue(job("a"), at(2)).await.unwrap(), first);
}

async fn names_are_sorted_by_bytes(catalog: Catalog) {
    for name in ["b", "a", "B", "_", "-x"] {
        let named = Domain { name: name.to_owned(), ..domain(name, DomainKind::Play) };
        catalog.add_domain(&named).await.unwrap();
    }
    let rows = catalog.domains(&DomainFilter::default(), Page::ALL).await.unwrap().rows;
    assert_eq!(rows.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["-x", "B", "_", "a", "b"]);
}

async fn text_is_bound_and_never_read_as_sql(catalog: Catalog) {
    let nasty = "'; DROP TABLE asset; -- $1 {now} {skip locked} \\ % _ é 中";
    catalog.set_setting(nasty, nasty).await.unwrap();
    assert_eq!(catalog.setting(nasty).await.unwrap().as_deref(), Some(nasty));
    catalog.add_domain(&domain(nasty, DomainKind::Play)).await.unwrap();
    let filter = DomainFilter { name: Some((Search::Fuzzy, "% _ é".into())), ..Default::default() };
    assert_eq!(catalog.domains(&filter, Page::ALL).await.unwrap().total, 1);
    let filter = DomainFilter { name: Some((Search::Fuzzy, "%x_".into())), ..Default::default() };
    assert_eq!(catalog.domains(&filter, Page::ALL).await.unwrap().total, 0);
    assert!(catalog.spans(AssetId::from_u128(0)).await.unwrap().is_empty());
}

async fn template_groups_are_kept_whole_and_one_is_the_default(catalog: Catalog) {
    let template = encode::Template {
        id: "t1".into(),
        name: "sd".into(),
        definition: "SD".into(),
        format: encode::Format::M3u8,
        segment_seconds: Some(10),
        file_name: Some(encode::FileName::parse("{JobId}").unwrap()),
        content: Content::Remuxed,
        clip: Some(encode::Clip { begin_ms: 5, end_ms: None }),
        bandwidth_bps: None,
        encryption: None,
        profile: encode::Profile::default(),
    };
    let stored = StoredTemplate { template, asked: serde_json::json!({"Video": {"Crf": "26"}}) };
    let group = |id: &str, second| TemplateGroup {
        id: id.into(),
        name: "ladder".into(),
        app_id: "app".into(),
        locked: false,
        templates: vec![stored.clone()],
        created: at(second),
        modified: at(second),
    };
    let mut tx = catalog.begin().await.unwrap();
    tx.add_template_group(&group("b", 1)).await.unwrap();
    tx.add_template_group(&group("a", 2)).await.unwrap();
    assert!(matches!(tx.add_template_group(&group("a", 3)).await, Err(CatalogError::AlreadyExists { .. })));
    assert_eq!(tx.template_group_count().await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(catalog.template_groups().await.unwrap(), [group("b", 1), group("a", 2)]);
    assert_eq!(catalog.template_group("c").await.unwrap(), None);

    let mut tx = catalog.begin().await.unwrap();
    let mut changed = tx.template_group_to_change("a").await.unwrap().unwrap();
    changed.locked = true;
    changed.templates.push(stored.clone());
    changed.modified = at(9);
    tx.update_template_group(&changed).await.unwrap();
    assert!(matches!(tx.update_template_group(&group("c", 1)).await, Err(CatalogError::NotFound { .. })));
    tx.commit().await.unwrap();
    assert_eq!(catalog.template_group("a").await.unwrap(), Some(changed.clone()));

    assert_eq!(catalog.default_template_group().await.unwrap(), None);
    for id in ["b", "a"] {
        catalog.set_default_template_group(id).await.unwrap();
        assert_eq!(catalog.default_template_group().await.unwrap().as_deref(), Some(id));
    }
    // A description of what is configured has them, and brings them back.
    settle_all(&catalog).await;
    let rows = catalog.rows_of(Subject::Installation).await.unwrap();
    assert!(catalog.delete_template_group("a").await.unwrap());
    assert!(!catalog.delete_template_group("a").await.unwrap());
    assert_eq!(settle_all(&catalog).await, [Subject::Installation]);
    assert!(catalog.restore(&rows).await.unwrap() > 0);
    assert_eq!(catalog.template_group("a").await.unwrap(), Some(changed));
}

async fn watermarks_are_kept_whole_and_one_is_the_default(catalog: Catalog) {
    let (dx, dy) = (encode::Length::Pixels(8), encode::Length::Parts(500));
    let image = encode::ImageWatermark {
        hash: "ab".repeat(32),
        kind: encode::ImageKind::Png,
        size: (40, 20),
        corner: encode::Corner::BottomLeft,
        dx,
        dy,
        width: Some(dx),
        height: None,
    };
    let content = encode::WatermarkContent::Image(image);
    let watermark = |id: &str, second| StoredWatermark {
        id: id.into(),
        name: "logo".into(),
        app_id: "app".into(),
        file_url: "http://example.org/logo.png".into(),
        watermark: encode::Watermark { content: content.clone(), begin_ms: 500, length_ms: Some(2_000) },
        asked: "{\"Dx\":8}".into(),
        created: at(second),
    };
    settle_all(&catalog).await;
    catalog.put_watermark(&watermark("b", 1)).await.unwrap();
    catalog.put_watermark(&watermark("a", 2)).await.unwrap();
    assert_eq!(catalog.watermarks().await.unwrap(), [watermark("b", 1), watermark("a", 2)]);
    assert_eq!(watermark("a", 2).image_key().unwrap(), format!("watermarks/{}.png", "ab".repeat(32)));
    assert_eq!(catalog.watermark("c").await.unwrap(), None);

    let mut tx = catalog.begin().await.unwrap();
    let held = tx.watermark_to_change("a").await.unwrap().unwrap();
    let changed = StoredWatermark { name: "other".into(), created: at(9), ..held };
    tx.put_watermark(&changed).await.unwrap();
    assert_eq!(tx.watermark_count().await.unwrap(), 2);
    tx.commit().await.unwrap();
    let changed = StoredWatermark { created: at(2), ..changed };
    assert_eq!(catalog.watermark("a").await.unwrap(), Some(changed.clone()));

    assert_eq!(catalog.watermark(DEFAULT_WATERMARK).await.unwrap(), None);
    for id in ["b", "a"] {
        catalog.set_default_watermark(id).await.unwrap();
        assert_eq!(catalog.default_watermark().await.unwrap().as_deref(), Some(id));
    }
    assert!(matches!(catalog.set_default_watermark("c").await, Err(CatalogError::NotFound { .. })));
    assert_eq!(catalog.watermark(DEFAULT_WATERMARK).await.unwrap(), Some(changed.clone()));

    // A description of what is configured has them, and brings them back.
    assert_eq!(settle_all(&catalog).await, [Subject::Installation]);
    let rows = catalog.rows_of(Subject::Installation).await.unwrap();
    catalog.delete_watermark("a").await.unwrap();
    assert!(matches!(catalog.delete_watermark("a").await, Err(CatalogError::NotFound { .. })));
    assert_eq!(catalog.default_watermark().await.unwrap(), None, "it went with the watermark");
    assert_eq!(settle_all(&catalog).await, [Subject::Installation]);
    assert_eq!(catalog.restore(&rows).await.unwrap(), 2);
    assert_eq!(catalog.watermark(DEFAULT_WATERMARK).await.unwrap(), Some(changed));
}

fn new_upload(source: Option<&str>) -> NewUpload {
    NewUpload {
        source: source.map(str::to_owned),
        session: Some("s1".to_owned()),
        file_name: "final.mp4".to_owned(),
        description: Description {
            title: Some("Final".to_owned()),
            tags: Some("a,b".to_owned()),
            reference_id: Some("final-1".to_owned()),
            user_data: Some("told back".to_owned()),
            ..Description::default()
        },
        template_group: NO_TRANSCODE.to_owned(),
    }
}

fn taken_over() -> TakenOver {
    let analysis = Analysis {
        size_bytes: 900,
        duration_ticks: 180_000,
        width: 320,
        height: 180,
        fps: 25.0,
        bitrate_kbps: 4,
        tracks: Vec::new(),
    };
    TakenOver { span: (90_000, 270_000), analysis }
}

async fn kinds_told(catalog: &Catalog, asset: AssetId) -> Vec<&'static str> {
    let events = catalog.events_of_asset(asset).await.unwrap();
    events.iter().map(|stored| stored.event.event.kind().as_str()).collect()
}

async fn an_upload_gives_its_video_a_source_once_and_tells_it(catalog: Catalog) {
    let url = "http://files.example.org/final.mp4";
    let upload = catalog.begin_upload(&new_upload(Some(url)), at(1)).await.unwrap();
    let taken = catalog.begin_upload(&new_upload(None), at(1)).await;
    assert!(matches!(taken, Err(CatalogError::AlreadyExists { .. })), "the reference id is another video's");
    assert_eq!(upload.state, UploadState::Pending);
    assert_eq!(catalog.upload_by_source(url).await.unwrap().as_ref(), Some(&upload));
    assert_eq!(catalog.upload_of_asset(upload.asset).await.unwrap().as_ref(), Some(&upload));
    assert_eq!(catalog.uploads_of_session("s1", at(0)).await.unwrap(), std::slice::from_ref(&upload));
    assert_eq!(catalog.uploads_of_session("s1", at(2)).await.unwrap(), []);
    let asset = catalog.asset(upload.asset).await.unwrap().unwrap();
    assert_eq!((asset.status, asset.title.as_str(), asset.tags.as_str()), (AssetStatus::Uploading, "Final", "a,b"));
    assert_eq!(catalog.forgotten_analyses().await.unwrap(), [], "there is nothing to be analysed yet");

    catalog.upload_begun(upload.id, Some(1_000), Some("v1"), at(2)).await.unwrap();
    assert!(catalog.upload_stored(upload.id, 1_000, "00ff", at(3)).await.unwrap());
    assert!(!catalog.upload_stored(upload.id, 1_000, "00ff", at(3)).await.unwrap(), "it is here already");
    assert_eq!(catalog.stuck_uploads().await.unwrap(), []);
    assert!(catalog.begin_take(upload.id, "local", at(4)).await.unwrap());
    let found = catalog.upload_of_reel(upload.reel).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.size_bytes, found.validator.as_deref()),
        (UploadState::Stored, Some(1_000), Some("v1"))
    );
    assert!(catalog.finish_take(upload.id, &taken_over(), at(5)).await.unwrap());
    assert!(!catalog.finish_take(upload.id, &taken_over(), at(6)).await.unwrap(), "a second worker gives a second one");
    let asset = catalog.asset(upload.asset).await.unwrap().unwrap();
    assert_eq!((asset.status, asset.duration_ticks, asset.size_bytes), (AssetStatus::Normal, 180_000, 900));
    let spans: Vec<_> =
        catalog.spans(upload.asset).await.unwrap().iter().map(|s| (s.reel, s.from_ticks, s.to_ticks)).collect();
    assert_eq!(spans, [(upload.reel, 90_000, 270_000)]);
    let told = ["asset_described", "source_in_place", "pulled", "source_analysed"];
    assert_eq!(kinds_told(&catalog, upload.asset).await, told);
    assert_eq!(catalog.reel(upload.reel).await.unwrap().unwrap().state, ReelState::Sealed);
    // Its media goes with the video.
    catalog.delete_asset(upload.asset, Duration::ZERO, at(7)).await.unwrap();
    assert_eq!(catalog.claims_on_reel(upload.reel).await.unwrap()[0].state, ClaimState::Deleted);
}

async fn an_upload_of_which_nothing_comes_says_why_and_one_that_is_cancelled_is_quiet(catalog: Catalog) {
    let failure = domain::event::PullFailure { code: "InvalidFile".into(), message: "no media".into() };
    let first = catalog.begin_upload(&new_upload(Some("http://h/a.mp4")), at(1)).await.unwrap();
    assert!(catalog.fail_upload(first.id, &failure, at(2)).await.unwrap());
    assert!(!catalog.fail_upload(first.id, &failure, at(3)).await.unwrap(), "it has failed already");
    assert_eq!(kinds_told(&catalog, first.asset).await, ["asset_described", "pulled"]);
    let ended = catalog.upload(first.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.failure, ended.finished), (UploadState::Failed, Some(failure), Some(at(2))));
    assert_eq!(catalog.asset(first.asset).await.unwrap().unwrap().status, AssetStatus::UploadFail);

    let other = NewUpload { description: Description::default(), ..new_upload(Some("http://h/b.mp4")) };
    let second = catalog.begin_upload(&other, at(4)).await.unwrap();
    assert!(catalog.cancel_upload(second.id, at(5)).await.unwrap());
    assert!(!catalog.cancel_upload(second.id, at(5)).await.unwrap());
    assert!(!catalog.upload_stored(second.id, 1, "", at(6)).await.unwrap(), "what comes now comes too late");
    assert!(!catalog.begin_take(second.id, "local", at(6)).await.unwrap());
    assert!(!kinds_told(&catalog, second.asset).await.contains(&"pulled"));

    // A video that is deleted while its file is taken over stays deleted.
    let third = NewUpload { source: None, ..other };
    let third = catalog.begin_upload(&third, at(7)).await.unwrap();
    assert_eq!(third.state, UploadState::Waiting);
    assert!(catalog.upload_stored(third.id, 1, "", at(8)).await.unwrap());
    assert!(catalog.begin_take(third.id, "local", at(8)).await.unwrap());
    catalog.delete_asset(third.asset, Duration::ZERO, at(9)).await.unwrap();
    assert!(!catalog.finish_take(third.id, &taken_over(), at(10)).await.unwrap());
    assert_eq!(catalog.upload(third.id).await.unwrap().unwrap().state, UploadState::Cancelled);
    assert_eq!(catalog.reel(third.reel).await.unwrap().unwrap().state, ReelState::Deleted);
}

fn cache_task(kind: CacheTaskKind, path: &str) -> NewCacheTask {
    NewCacheTask {
        id: format!("task of {path}"),
        kind,
        domain: "vod.example.org".into(),
        path: path.into(),
        object_path: format!("http://vod.example.org{path}"),
    }
}

async fn give_cache_tasks(catalog: &Catalog, tasks: &[NewCacheTask], second: i64) -> bool {
    let mut tx = catalog.begin().await.unwrap();
    let given = tx.add_cache_tasks(tasks, |_| 2, at(0), at(second)).await.unwrap();
    tx.commit().await.unwrap();
    given
}

async fn what_may_not_be_seen_is_forgotten_by_edges_in_order_and_only_where_there_are_any(catalog: Catalog) {
    let (first, second) = (asset(&catalog, "court1", 0).await, asset(&catalog, "court2", 0).await);
    let paths = async |after: u64| -> Vec<(u64, String)> {
        catalog.cache_feed(at(100)).await.unwrap();
        let tasks = catalog.cache_tasks_after(after, 10).await.unwrap();
        tasks.into_iter().map(|task| (task.seq, task.path)).collect()
    };
    catalog.delete_asset(first, Duration::ZERO, at(90)).await.unwrap();
    assert_eq!(paths(0).await, [], "there is no edge");
    assert!(!catalog.cache_edge_heard("e1", 0, &[], at(91)).await.unwrap());
    assert!(catalog.cache_edge_heard("e1", 0, &[], at(92)).await.unwrap());

    // A transaction that is begun first and committed last comes last.
    assert!(give_cache_tasks(&catalog, &[cache_task(CacheTaskKind::File, "/v/x")], 93).await);
    catalog.delete_asset(second, Duration::ZERO, at(94)).await.unwrap();
    let folder = format!("/v/{second}/");
    let told = paths(0).await;
    assert_eq!(told.first(), Some(&(1, "/v/x".to_owned())));
    assert!(told.iter().skip(1).all(|(_, path)| *path == folder) && told.len() > 1, "{told:?}");
    let last = told.last().unwrap().0;
    assert_eq!(last, u64::try_from(told.len()).unwrap(), "without a hole");
    assert_eq!(catalog.cache_feed(at(100)).await.unwrap(), CacheFeed { last, forgotten: 0 });
    assert_eq!(paths(last).await, []);
    // So is a file of the library.
    let new = NewLibraryFile {
        kind: FileKind::Image,
        purpose: "cover".into(),
        description: Description::default(),
        file_name: "a.png".into(),
        extension: "png".into(),
    };
    let file = catalog.begin_library_file(&new, at(95)).await.unwrap().id;
    assert!(catalog.delete_library_file(file, at(96)).await.unwrap());
    assert_eq!(paths(last).await, [(last + 1, format!("/v/{file}/"))]);
    let last = last + 1;
    // Nobody asked for what follows from a deletion.
    assert_eq!(catalog.cache_tasks(&CacheTaskFilter::default(), Page::ALL).await.unwrap().total, 1);

    let week = 8 * 86_400;
    catalog.number_cache_tasks(at(100 + week)).await.unwrap();
    assert_eq!(catalog.cache_feed(at(100 + week)).await.unwrap(), CacheFeed { last, forgotten: last });
    assert!(!catalog.cache_edge_heard("e1", last, &[], at(101 + week)).await.unwrap(), "it is not known any more");
    assert!(give_cache_tasks(&catalog, &[cache_task(CacheTaskKind::File, "/v/y")], 101 + week).await);
    assert_eq!(paths(last).await, [(last + 1, "/v/y".to_owned())], "numbers are never used twice");
}

async fn a_task_for_edges_ends_with_the_last_of_them(catalog: Catalog) {
    for edge in ["e1", "e2"] {
        catalog.cache_edge_heard(edge, 0, &[], at(0)).await.unwrap();
    }
    let tasks = [cache_task(CacheTaskKind::Directory, "/v/a/"), cache_task(CacheTaskKind::Preload, "/v/a/b.mp4")];
    assert!(give_cache_tasks(&catalog, &tasks, 10).await);
    let three = ["/1", "/2", "/3"].map(|path| cache_task(CacheTaskKind::File, path));
    assert!(!give_cache_tasks(&catalog, &three, 10).await, "two of a kind are allowed");
    assert!(give_cache_tasks(&catalog, &three[..2], 10).await);
    assert!(!give_cache_tasks(&catalog, &three[2..], 11).await);
    assert_eq!(catalog.cache_tasks_since(CacheTaskKind::File, at(10)).await.unwrap(), 2);

    let told = async |id: &NewCacheTask, second: i64| {
        catalog.cache_feed(at(second)).await.unwrap();
        catalog.settle_cache_tasks(at(second)).await.unwrap();
        let filter = CacheTaskFilter { ids: vec![id.id.clone()], ..CacheTaskFilter::default() };
        let task = catalog.cache_tasks(&filter, Page::ALL).await.unwrap().rows.remove(0);
        (task.state, task.percent, task.note)
    };
    let [purge, preload] = &tasks;
    assert_eq!(told(purge, 11).await, (CacheTaskState::Refreshing, 0, String::new()));
    catalog.cache_edge_heard("e1", 4, &[], at(12)).await.unwrap();
    assert_eq!(told(purge, 12).await, (CacheTaskState::Refreshing, 50, String::new()));
    let (state, percent, note) = told(purge, 10 + 3_601).await;
    assert_eq!((state, percent), (CacheTaskState::Failed, 50));
    assert!(note.contains("e2") && !note.contains("e1"), "{note}");
    catalog.cache_edge_heard("e2", 4, &[], at(4_000)).await.unwrap();
    assert_eq!(told(purge, 4_000).await, (CacheTaskState::Complete, 100, String::new()), "late, and done");

    // What is fetched is done when it is said to be.
    assert_eq!(told(preload, 4_000).await, (CacheTaskState::Refreshing, 0, String::new()));
    let report = |error: Option<&str>| PreloadReport { seq: 2, error: error.map(str::to_owned) };
    catalog.cache_edge_heard("e1", 4, &[report(None)], at(4_001)).await.unwrap();
    catalog.cache_edge_heard("e2", 4, &[report(Some("no room"))], at(4_001)).await.unwrap();
    assert_eq!(told(preload, 4_001).await, (CacheTaskState::Failed, 100, "e2: no room".to_owned()));

    let filtered = async |filter: CacheTaskFilter| catalog.cache_tasks(&filter, Page::ALL).await.unwrap().total;
    let all = CacheTaskFilter::default();
    assert_eq!(filtered(all.clone()).await, 4);
    assert_eq!(filtered(CacheTaskFilter { kind: Some(CacheTaskKind::File), ..all.clone() }).await, 2);
    assert_eq!(filtered(CacheTaskFilter { state: Some(CacheTaskState::Failed), ..all.clone() }).await, 1);
    assert_eq!(filtered(CacheTaskFilter { domain: Some("other".into()), ..all.clone() }).await, 0);
    assert_eq!(filtered(CacheTaskFilter { from: Some(at(11)), ..all.clone() }).await, 0);
    let path = Some("http://vod.example.org/v/a/".to_owned());
    assert_eq!(filtered(CacheTaskFilter { object_path: path, to: Some(at(10)), ..all }).await, 1);
}

#[tokio::test]
async fn a_sqlite_file_belongs_to_one_process_and_outlives_it() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = support::sqlite_in(folder.path()).await;
    catalog.set_setting("kept", "yes").await.unwrap();
    let url = CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"));
    assert!(matches!(Catalog::open(&url).await, Err(CatalogError::InUse { .. })));
    catalog.close().await;
    drop(catalog);
    let again = support::sqlite_in(folder.path()).await;
    assert_eq!(again.setting("kept").await.unwrap().as_deref(), Some("yes"));
}

#[test]
fn the_two_schemas_are_one() {
    for (postgres, theirs) in [
        (
            include_str!("../migrations/postgres/0001_first_light.sql"),
            include_str!("../migrations/sqlite/0001_first_light.sql"),
        ),
        (
            include_str!("../migrations/postgres/0002_on_request.sql"),
            include_str!("../migrations/sqlite/0002_on_request.sql"),
        ),
    ] {
        let (_, postgres) = postgres.split_once("\n\n").expect("a heading");
        let sqlite = postgres
            .replace(" COLLATE \"C\"", "")
            .replace("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT")
            .replace("BIGINT", "INTEGER")
            .replace("DOUBLE PRECISION", "REAL")
            .replace("\n);\n", "\n) STRICT;\n");
        assert_eq!(sqlite, theirs);
    }
}

#[test]
fn a_catalog_url_names_a_file_or_a_server() {
    assert_eq!("sqlite:/a/b".parse::<CatalogUrl>().unwrap(), CatalogUrl::Sqlite("/a/b".into()));
    assert_eq!("sqlite://b".parse::<CatalogUrl>().unwrap(), CatalogUrl::Sqlite("b".into()));
    assert!(matches!("postgres://u:p@h/d".parse(), Ok(CatalogUrl::Postgres(_))));
    let error = "mysql://u:secret@h/d".parse::<CatalogUrl>().unwrap_err().to_string();
    assert!(error.contains("mysql") && !error.contains("secret"), "{error}");
    assert!("sqlite:".parse::<CatalogUrl>().is_err() && "".parse::<CatalogUrl>().is_err());
}
