//! Picture jobs, what they come to, and templates of them, on both databases.

mod support;

use std::time::Duration;

use catalog::*;
use domain::event::{AnimationOutcome, Cover, Event, SnapshotSet};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use domain::rule::{OnDemand, RecordRule, RuleKey, STORE_ONLY};
use encode::{AnimationFormat, AnimationLength, AnimationOrder, PictureOrder, ShotTimes, Size, SnapshotOrder};
use units::{AssetId, JobId, StreamPath, WallTime};

support::contract! {
    every_asset_gets_a_cover_that_nobody_is_told_of
    the_snapshots_of_a_task_are_told_before_its_end_and_taken_once
    the_snapshots_of_a_task_end_with_it_and_go_on_with_it
    what_was_asked_for_is_told_and_what_fails_says_why
    an_animation_may_stand_for_an_asset_until_it_is_deleted
    pictures_of_a_deleted_asset_go_after_its_window_and_come_back_before
    work_that_was_given_up_or_forgotten_is_found
    templates_of_pictures_are_kept_whole
}

fn at(second: i64) -> WallTime {
    WallTime::from_unix_s(1_772_359_200 + second)
}

/// A recorded asset under a store-only rule.
async fn asset(catalog: &Catalog, stream: &str) -> AssetId {
    let ids = catalog.ids();
    let rule = RecordRule {
        key: RuleKey { domain: "play.example.org".into(), app: "cup".into(), stream: stream.into() },
        on_demand: OnDemand::Automatic,
        cycle_length: Duration::from_secs(3600),
        grace: Duration::from_secs(180),
        template_group: STORE_ONLY.into(),
        compose_group: None,
        safety_buffer: Duration::ZERO,
    };
    let new = NewRecording {
        id: ids.recording(at(0)),
        path: StreamPath::new("play.example.org", "cup", stream).unwrap(),
        rule,
        reel: ids.reel(at(0)),
        node: "n1".into(),
        began: at(0),
    };
    let cycle = OpenCycle { number: 0, asset: ids.asset(at(0)), from_ticks: 0, began: at(0) };
    catalog.begin_recording(&new).await.unwrap();
    catalog.open_cycle(new.id, &cycle).await.unwrap();
    let sealed = SealedCycle {
        recording: new.id,
        cycle: 0,
        asset: cycle.asset,
        title: "court1".into(),
        template_group: STORE_ONLY.into(),
        status: AssetStatus::UploadSucc,
        reel: new.reel,
        from_ticks: 0,
        to_ticks: 1_800_000,
        began: at(0),
        ended: at(20),
        duration_ticks: 1_800_000,
        size_bytes: 1_000_000,
        width: 1280,
        height: 720,
        fps: 25.0,
        bitrate_kbps: 2_000,
        sealed_at: at(20),
    };
    catalog.seal_cycle(&sealed, None).await.unwrap();
    cycle.asset
}

fn made(kind: PictureKind, pictures: u32, chosen: Option<u32>) -> MadePictures {
    MadePictures { kind, format: PictureFormat::Jpeg, pictures, chosen, facts: None }
}

async fn running(catalog: &Catalog, asset: AssetId, cause: PictureCause) -> PictureJob {
    let jobs = catalog.picture_jobs(asset).await.unwrap();
    jobs.into_iter().rfind(|job| job.cause == cause && job.state == PictureState::Running).unwrap()
}

/// Ends the cover of an asset: five pictures, the third of which stands for it.
async fn covered(catalog: &Catalog, asset: AssetId) -> JobId {
    let job = running(catalog, asset, PictureCause::Birth).await.id;
    assert!(catalog.finish_pictures(job, &[made(PictureKind::Cover, 5, Some(3))], at(21)).await.unwrap());
    job
}

async fn told(catalog: &Catalog, asset: AssetId) -> Vec<Event> {
    let events = catalog.events_of_asset(asset).await.unwrap().into_iter().map(|stored| stored.event.event);
    events.filter(|event| !matches!(event, Event::CycleBecameAsset { .. })).collect()
}

fn order() -> PictureOrder {
    let times = ShotTimes::At { times_ms: vec![1_000] };
    PictureOrder::Snapshots(SnapshotOrder { times, ..SnapshotOrder::of_task() })
}

async fn every_asset_gets_a_cover_that_nobody_is_told_of(catalog: Catalog) {
    let id = asset(&catalog, "court1").await;
    assert_eq!(catalog.assets_without_cover(None, 10).await.unwrap(), []);
    let job = running(&catalog, id, PictureCause::Birth).await;
    assert_eq!(job.order, PictureOrder::Snapshots(SnapshotOrder::covers()));
    assert_eq!(catalog.job_count(kind::COVER, JobState::Ready).await.unwrap(), 1);
    assert_eq!(catalog.asset(id).await.unwrap().unwrap().cover(), None);
    let done = covered(&catalog, id).await;
    assert!(!catalog.finish_pictures(done, &[], at(22)).await.unwrap(), "ended twice");

    let name = PictureName::still(PictureKind::Cover, done, 3);
    let taken = |asset: Asset| asset.cover();
    let cover = taken(catalog.asset(id).await.unwrap().unwrap());
    assert_eq!(cover, Some(Cover::Taken { file: name.to_string() }));
    assert_eq!(told(&catalog, id).await, []);
    let sets = catalog.picture_sets(id).await.unwrap();
    assert_eq!(catalog.covers_of(&[id, done.to_string().parse().unwrap()]).await.unwrap()[&id], sets[0]);
    assert!(sets[0].has(&name) && !sets[0].has(&PictureName { number: Some(6), ..name }));
    assert_eq!(sets[0].names().count(), 5);
    assert_eq!(picture_key(id, &name), format!("assets/{id}/covers/{done}-00003.jpg"));
    // What its customer gives it wins, and is given back.
    let given = |url: &str| Description { cover_url: Some(url.into()), ..Description::default() };
    catalog.describe_asset(id, &given("http://img.example.org/1.jpg"), at(30)).await.unwrap();
    let cover = taken(catalog.asset(id).await.unwrap().unwrap());
    assert_eq!(cover, Some(Cover::Given { url: "http://img.example.org/1.jpg".into() }));
    catalog.describe_asset(id, &given(""), at(31)).await.unwrap();
    assert!(matches!(taken(catalog.asset(id).await.unwrap().unwrap()), Some(Cover::Taken { .. })));
    // One that could not be taken is tried again by the next start.
    let other = asset(&catalog, "court2").await;
    let job = running(&catalog, other, PictureCause::Birth).await.id;
    assert!(catalog.fail_pictures(job, "no such program", at(32)).await.unwrap());
    assert_eq!(catalog.assets_without_cover(None, 10).await.unwrap(), [other]);
    assert!(catalog.have_cover(other, at(33)).await.unwrap());
    assert!(!catalog.have_cover(other, at(33)).await.unwrap());
    // It is in nobody's way until somebody waits for it.
    let priority = async || {
        let sql = sql::Sql::new("SELECT priority FROM job WHERE kind = 'cover' ORDER BY seq DESC");
        sql.row(&catalog).await.unwrap().unwrap().int("priority").unwrap()
    };
    assert_eq!(priority().await, -5);
    catalog.begin_transcode(other, "group", at(34)).await.unwrap();
    assert_eq!(priority().await, 5);
    assert_eq!((catalog.assets_without_cover(None, 10).await.unwrap(), told(&catalog, other).await), (vec![], vec![]));
}

async fn the_snapshots_of_a_task_are_told_before_its_end_and_taken_once(catalog: Catalog) {
    let id = asset(&catalog, "court1").await;
    let cover = covered(&catalog, id).await;
    let begin = async || {
        let task = catalog.begin_transcode(id, "group", at(30)).await.unwrap();
        let task = catalog.transcode_task(task).await.unwrap().unwrap();
        catalog.plan_transcode(&task, &[], at(31)).await.unwrap();
        (task, running(&catalog, id, PictureCause::Task).await)
    };
    let end = async |task: &TranscodeTask| {
        let mut tx = catalog.begin().await.unwrap();
        let ended = tx.finish_task(task, at(40)).await.unwrap();
        tx.commit().await.unwrap();
        ended
    };
    let (task, job) = begin().await;
    assert_eq!((job.task, job.user_data.as_str()), (Some(task.id), ""));
    assert!(!end(&task).await);
    let settles = catalog.job_count(kind::SETTLE, JobState::Ready).await.unwrap();
    assert_eq!(catalog.pictures_of_task(id).await.unwrap(), None);
    assert!(catalog.finish_pictures(job.id, &[made(PictureKind::Snapshot, 20, None)], at(35)).await.unwrap());
    assert_eq!(catalog.job_count(kind::SETTLE, JobState::Ready).await.unwrap(), settles + 1);
    assert!(end(&task).await);
    let file = PictureName::still(PictureKind::Cover, cover, 3).to_string();
    let taken = |sets: Vec<SnapshotSet>, error: Option<&str>| Event::SnapshotsTaken {
        asked: false,
        cover: Some(Cover::Taken { file: file.clone() }),
        sets,
        error: error.map(str::to_owned),
    };
    let covers = SnapshotSet { job: cover, kind: PictureKind::Cover, count: 5 };
    let snapshots = |job, count| SnapshotSet { job, kind: PictureKind::Snapshot, count };
    let first = taken(vec![covers, snapshots(job.id, 20)], None);
    let ended = Event::Transcoded { streams: vec![] };
    assert_eq!(told(&catalog, id).await, [first.clone(), ended.clone()]);
    // The second task tells of the same pictures; one that fails ends its task as well.
    let (second, again) = begin().await;
    assert_eq!(catalog.pictures_of_task(id).await.unwrap().unwrap().job, job.id);
    assert!(catalog.finish_pictures(again.id, &[], at(50)).await.unwrap());
    let (third, failed) = begin().await;
    assert!(catalog.fail_pictures(failed.id, "no picture", at(51)).await.unwrap());
    assert!(end(&second).await && end(&third).await);
    let failure = taken(vec![snapshots(failed.id, 0)], Some("no picture"));
    assert_eq!(told(&catalog, id).await[2..], [first, failure, ended.clone(), ended]);
    // An asset without pictures has no snapshots, and nobody is told of none.
    let sound = asset(&catalog, "court2").await;
    let job = running(&catalog, sound, PictureCause::Birth).await.id;
    catalog.finish_pictures(job, &[], at(52)).await.unwrap();
    catalog.begin_transcode(sound, "group", at(53)).await.unwrap();
    let job = running(&catalog, sound, PictureCause::Task).await.id;
    assert!(catalog.finish_pictures(job, &[], at(54)).await.unwrap());
    assert_eq!(told(&catalog, sound).await, []);
}

async fn the_snapshots_of_a_task_end_with_it_and_go_on_with_it(catalog: Catalog) {
    let id = asset(&catalog, "court1").await;
    covered(&catalog, id).await;
    let new = NewTask {
        asset: id,
        template_group: "group".into(),
        templates: Vec::new(),
        priority: 6,
        user_data: r#"{"Extend":"x"}"#.into(),
        session: None,
    };
    let Submitted::Begun { task, .. } = catalog.submit_transcode(&new, at(30)).await.unwrap() else {
        panic!("refused")
    };
    let job = running(&catalog, id, PictureCause::Task).await;
    assert_eq!((job.task, job.user_data.as_str()), (Some(task), r#"{"Extend":"x"}"#));
    let state = async || {
        let row = catalog.picture_job(job.id).await.unwrap().unwrap();
        (row.state, row.completed.is_some())
    };
    let waiting = async || catalog.job_count(kind::PICTURES, JobState::Ready).await.unwrap();
    // A video that is deleted meanwhile is there again.
    catalog.delete_asset(id, Duration::from_secs(60), at(31)).await.unwrap();
    assert!(!catalog.finish_pictures(job.id, &[], at(32)).await.unwrap());
    assert_eq!(state().await, (PictureState::Failed, true));
    catalog.restore_asset(id, at(33)).await.unwrap();
    assert_eq!((state().await, waiting().await), ((PictureState::Running, false), 1));
    // The task is cancelled: its snapshots are not taken, and it need not wait for them.
    let events = told(&catalog, id).await.len();
    catalog.cancel_task(task, at(34)).await.unwrap();
    assert_eq!((state().await, waiting().await), ((PictureState::Failed, true), 0));
    assert_eq!(catalog.transcode_task(task).await.unwrap().unwrap().state, TaskState::Done);
    assert_eq!(told(&catalog, id).await[events..], [Event::Transcoded { streams: vec![] }]);
    // Somebody asks for them once more, and is told.
    assert_eq!(catalog.retry_job(job.id, at(35)).await.unwrap(), Retried::Begun);
    assert_eq!(catalog.retry_job(job.id, at(35)).await.unwrap(), Retried::Needless);
    assert_eq!((state().await, waiting().await), ((PictureState::Running, false), 1));
    assert!(catalog.finish_pictures(job.id, &[made(PictureKind::Snapshot, 20, None)], at(36)).await.unwrap());
    let last = catalog.events_of_asset(id).await.unwrap().pop().unwrap();
    assert!(matches!(last.event.event, Event::SnapshotsTaken { error: None, .. }), "{last:?}");
    assert_eq!(last.user_data, new.user_data);
    assert_eq!(catalog.retry_job(job.id, at(37)).await.unwrap(), Retried::Needless);
}

async fn what_was_asked_for_is_told_and_what_fails_says_why(catalog: Catalog) {
    let id = asset(&catalog, "court1").await;
    let job = catalog.begin_pictures(id, order(), "{}", at(30)).await.unwrap();
    let row = catalog.picture_job(job).await.unwrap().unwrap();
    assert_eq!((row.order, row.cause, row.user_data.as_str(), row.task), (order(), PictureCause::Request, "{}", None));
    let sets = [made(PictureKind::Sheet, 2, None), made(PictureKind::Cell, 150, None)];
    assert!(catalog.finish_pictures(job, &sets, at(31)).await.unwrap());
    let snapshots = |kind, count| SnapshotSet { job, kind, count };
    let taken = |sets, error| Event::SnapshotsTaken { asked: true, cover: None, sets, error };
    assert_eq!(told(&catalog, id).await, [taken(vec![snapshots(PictureKind::Sheet, 2)], None)]);
    let event = catalog.events_of_asset(id).await.unwrap().pop().unwrap();
    assert_eq!(event.user_data, "{}", "what its customer wants with it goes with the event");
    let newest = async |kind| catalog.newest_pictures(id, kind).await.unwrap().map(|set| (set.job, set.pictures));
    assert_eq!(newest(PictureKind::Cell).await, Some((job, 150)));
    assert_eq!(newest(PictureKind::Snapshot).await, None);
    let set = catalog.picture_set(job, PictureKind::Sheet).await.unwrap().unwrap();
    assert_eq!((set.asset, set.made), (id, at(31)));
    // Made once more: nobody is told, and the set is replaced.
    catalog.make_pictures_again(job, at(40)).await.unwrap();
    assert!(catalog.finish_pictures(job, &sets[..1], at(41)).await.unwrap());
    assert_eq!(told(&catalog, id).await.len(), 1);
    assert_eq!(catalog.picture_set(job, PictureKind::Sheet).await.unwrap().unwrap().made, at(41));

    let failing = catalog.begin_pictures(id, order(), "", at(50)).await.unwrap();
    assert!(catalog.fail_pictures(failing, "the picture at 1.000 s cannot be decoded", at(51)).await.unwrap());
    assert!(!catalog.fail_pictures(failing, "again", at(52)).await.unwrap());
    let none = SnapshotSet { job: failing, kind: PictureKind::Snapshot, count: 0 };
    let error = Some("the picture at 1.000 s cannot be decoded".to_owned());
    assert_eq!(told(&catalog, id).await[1..], [taken(vec![none], error.clone())]);
    let row = catalog.picture_job(failing).await.unwrap().unwrap();
    assert_eq!((row.state, row.error, row.completed), (PictureState::Failed, error, Some(at(51))));
    // The receipt has the jobs of the queue.
    let kinds: Vec<String> = catalog.jobs_of_asset(id).await.unwrap().into_iter().map(|job| job.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == kind::PICTURES).count(), 2);
    assert_eq!(kinds.iter().filter(|kind| *kind == kind::COVER).count(), 1);
    assert!(!kinds.contains(&kind::FREE_PICTURES.to_owned()));
}

fn animation(cover: bool) -> PictureOrder {
    let (format, size, length) = (AnimationFormat::Gif, Size::default(), AnimationLength::For { ms: 1_000 });
    PictureOrder::Animation(AnimationOrder { format, size, fps: 10, from_ms: 0, length, cover })
}

async fn an_animation_may_stand_for_an_asset_until_it_is_deleted(catalog: Catalog) {
    let id = asset(&catalog, "court1").await;
    let facts = AnimationFacts { width: 320, height: 180, fps: 10, duration_ticks: 90_000, size_bytes: 7 };
    let done = MadePictures { format: PictureFormat::Gif, facts: Some(facts), ..made(PictureKind::Animation, 1, None) };
    let file = async || catalog.asset(id).await.unwrap().unwrap().taken_cover;
    let plain = catalog.begin_pictures(id, animation(false), "", at(30)).await.unwrap();
    assert!(catalog.finish_pictures(plain, &[done], at(31)).await.unwrap());
    assert_eq!(file().await, "");
    let job = catalog.begin_pictures(id, animation(true), "", at(32)).await.unwrap();
    assert!(catalog.finish_pictures(job, &[done], at(33)).await.unwrap());
    assert_eq!(file().await, format!("animations/{job}.gif"));
    let format = PictureFormat::Gif;
    let outcome = AnimationOutcome::Made { format, width: 320, height: 180, fps: 10, size_bytes: 7 };
    assert_eq!(told(&catalog, id).await[1..], [Event::Animated { job, outcome }]);
    let set = catalog.picture_set(job, PictureKind::Animation).await.unwrap().unwrap();
    assert_eq!((set.facts, set.names().collect::<Vec<_>>()), (Some(facts), vec![set.name(1)]));
    // The still cover, which comes late, waits behind it.
    let cover = covered(&catalog, id).await;
    assert_eq!(file().await, format!("animations/{job}.gif"));
    assert_eq!(catalog.delete_animations(id, &[cover], at(40)).await.unwrap(), 0, "no animation");
    assert_eq!(catalog.delete_animations(id, &[job, plain], at(41)).await.unwrap(), 2);
    assert_eq!(file().await, format!("covers/{cover}-00003.jpg"));
    assert_eq!(catalog.job_count(kind::FREE_PICTURES, JobState::Ready).await.unwrap(), 1);
    let failed = catalog.begin_pictures(id, animation(true), "", at(42)).await.unwrap();
    assert!(catalog.fail_pictures(failed, "why", at(43)).await.unwrap());
    let outcome = AnimationOutcome::Failed { error: "why".into() };
    assert_eq!(told(&catalog, id).await[2..], [Event::Animated { job: failed, outcome }]);
}

async fn pictures_of_a_deleted_asset_go_after_its_window_and_come_back_before(catalog: Catalog) {
    let id = asset(&catalog, "court1").await;
    covered(&catalog, id).await;
    let counts = async || {
        let (jobs, sets) = (catalog.picture_jobs(id).await.unwrap(), catalog.picture_sets(id).await.unwrap());
        (jobs.len(), sets.len())
    };
    let late = catalog.begin_pictures(id, order(), "", at(25)).await.unwrap();
    assert!(catalog.delete_asset(id, Duration::from_secs(3600), at(30)).await.unwrap());
    // What was being made fails without a word.
    let before = told(&catalog, id).await.len();
    assert!(!catalog.finish_pictures(late, &[made(PictureKind::Snapshot, 1, None)], at(31)).await.unwrap());
    assert_eq!(catalog.picture_job(late).await.unwrap().unwrap().state, PictureState::Failed);
    assert_eq!(told(&catalog, id).await.len(), before);
    catalog.give_up_pictures(id).await.unwrap();
    assert_eq!(counts().await, (2, 1), "the window is open");
    assert_eq!(catalog.restore_asset(id, at(40)).await.unwrap(), Restored::Back);
    assert!(!catalog.asset(id).await.unwrap().unwrap().taken_cover.is_empty());
    assert_eq!(counts().await, (2, 1));

    assert!(catalog.delete_asset(id, Duration::ZERO, at(50)).await.unwrap());
    catalog.free_what_is_due(at(51)).await.unwrap();
    assert!(catalog.job_count(kind::FREE_PICTURES, JobState::Ready).await.unwrap() >= 1);
    catalog.give_up_pictures(id).await.unwrap();
    assert_eq!(counts().await, (0, 0));
    assert_eq!(catalog.restore_asset(id, at(52)).await.unwrap(), Restored::TooLate);
    // Those of an asset that is there are not given up.
    let other = asset(&catalog, "court2").await;
    covered(&catalog, other).await;
    catalog.give_up_pictures(other).await.unwrap();
    assert_eq!(catalog.picture_sets(other).await.unwrap().len(), 1);
}

async fn work_that_was_given_up_or_forgotten_is_found(catalog: Catalog) {
    let id = asset(&catalog, "court1").await;
    let job = running(&catalog, id, PictureCause::Birth).await.id;
    let set_work = async |state: &str| {
        let mut tx = catalog.begin().await.unwrap();
        let sql = sql::Sql::new("UPDATE job SET state = $1, error = 'it panicked' WHERE kind = 'cover'").arg(state);
        assert_eq!(sql.run(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
    };
    assert_eq!(catalog.stuck_pictures().await.unwrap(), []);
    set_work("dead").await;
    assert_eq!(catalog.stuck_pictures().await.unwrap(), [(job, "it panicked".to_owned())]);
    assert_eq!(catalog.forgotten_pictures().await.unwrap(), []);
    // One that is done again is not stuck because it once was.
    catalog.make_pictures_again(job, at(30)).await.unwrap();
    assert_eq!(catalog.stuck_pictures().await.unwrap(), []);
    let mut tx = catalog.begin().await.unwrap();
    sql::Sql::new("DELETE FROM job").run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let forgotten: Vec<_> = catalog.forgotten_pictures().await.unwrap().iter().map(|job| job.id).collect();
    assert_eq!(forgotten, [job]);
    let mut tx = catalog.begin().await.unwrap();
    tx.picture_again(id, at(31)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(catalog.job_count(kind::COVER, JobState::Ready).await.unwrap(), 1);
    // The description tells all of it.
    let rows = catalog.rows_of(Subject::Asset(id)).await.unwrap();
    assert_eq!(rows["picture_job"].len(), 1);
    covered(&catalog, id).await;
    assert_eq!(catalog.rows_of(Subject::Asset(id)).await.unwrap()["picture_set"].len(), 1);
    let stale: Vec<_> = catalog.stale(100).await.unwrap().iter().map(|stale| stale.subject).collect();
    assert!(stale.contains(&Subject::Asset(id)));
}

async fn templates_of_pictures_are_kept_whole(catalog: Catalog) {
    for stale in catalog.stale(100).await.unwrap() {
        catalog.settle(&stale).await.unwrap();
    }
    let template = |id: &str, order: PictureOrder, second| PictureTemplate {
        id: id.into(),
        name: format!("template {id}"),
        app_id: "app-1000000".into(),
        order,
        asked: "{\"SnapshotType\":\"NormalSnapshot\"}".into(),
        created: at(second),
        modified: at(second),
    };
    let (stills, moving) = (template("b", order(), 1), template("a", animation(true), 2));
    for one in [&stills, &moving] {
        catalog.put_picture_template(one).await.unwrap();
    }
    assert_eq!(catalog.picture_templates().await.unwrap(), [stills.clone(), moving.clone()]);
    assert_eq!(catalog.picture_template("c").await.unwrap(), None);
    let mut tx = catalog.begin().await.unwrap();
    let held = tx.picture_template_to_change("b").await.unwrap().unwrap();
    let changed = PictureTemplate { name: "other".into(), order: animation(false), modified: at(9), ..held };
    tx.put_picture_template(&changed).await.unwrap();
    assert_eq!(tx.picture_template_count().await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(catalog.picture_template("b").await.unwrap(), Some(PictureTemplate { created: at(1), ..changed }));
    assert_eq!(catalog.stale(100).await.unwrap()[0].subject, Subject::Installation);
    assert_eq!(catalog.rows_of(Subject::Installation).await.unwrap()["picture_template"].len(), 2);
    catalog.delete_picture_template("a").await.unwrap();
    assert!(matches!(catalog.delete_picture_template("a").await, Err(CatalogError::NotFound { .. })));
    assert_eq!(catalog.picture_templates().await.unwrap().len(), 1);
}
