//! What the catalog costs on SQLite: sealing a cycle alone and 500 at once, and lists in a library of a million assets.
//! `cargo bench -p catalog`; the disk decides most of it, so it prints the cost of one small commit beside.

use std::time::{Duration, Instant};

use catalog::sql::Sql;
use catalog::*;
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use futures::future::join_all;
use units::{StreamPath, WallTime};

const ALONE: usize = 300;
const AT_ONCE: usize = 500;
const LIBRARY: i64 = 1_000_000;
const LISTS: u32 = 200;

fn at(second: i64) -> WallTime {
    WallTime::from_unix_s(1_772_359_200 + second)
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let share = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what:<58} p50 {:>10.2?}  p99 {:>10.2?}  max {:>10.2?}", share(50), share(99), share(100));
}

async fn open_cycle(catalog: &Catalog, n: usize) -> anyhow::Result<SealedCycle> {
    let ids = catalog.ids();
    let key = RuleKey { domain: "play.example.org".into(), app: "*".into(), stream: "*".into() };
    let rule = RecordRule {
        key,
        on_demand: OnDemand::Automatic,
        cycle_length: Duration::from_secs(3600),
        grace: Duration::from_secs(180),
        template_group: NO_TRANSCODE.into(),
        compose_group: None,
        safety_buffer: Duration::ZERO,
    };
    let path = StreamPath::new("play.example.org", "cup", &format!("court{n}"))?;
    let (id, reel, asset) = (ids.recording(at(0)), ids.reel(at(0)), ids.asset(at(0)));
    catalog.begin_recording(&NewRecording { id, path, rule, reel, node: "n1".into(), began: at(0) }).await?;
    catalog.open_cycle(id, &OpenCycle { number: 0, asset, from_ticks: 0, began: at(0) }).await?;
    Ok(SealedCycle {
        recording: id,
        cycle: 0,
        asset,
        title: format!("court{n}"),
        template_group: NO_TRANSCODE.into(),
        status: AssetStatus::Normal,
        reel,
        from_ticks: 0,
        to_ticks: 324_000_000,
        began: at(0),
        ended: at(3600),
        duration_ticks: 324_000_000,
        size_bytes: 900_000_000,
        width: 1280,
        height: 720,
        fps: 25.0,
        bitrate_kbps: 2_000,
        sealed_at: at(3600),
    })
}

async fn seal(catalog: &Catalog, sealed: &SealedCycle) -> anyhow::Result<Duration> {
    let next =
        OpenCycle { number: 1, asset: catalog.ids().asset(at(3600)), from_ticks: sealed.to_ticks, began: at(3600) };
    let began = Instant::now();
    catalog.seal_cycle(sealed, Some(&next)).await?;
    Ok(began.elapsed())
}

/// A million assets of a thousand streams, a minute apart.
async fn fill(catalog: &Catalog) -> anyhow::Result<()> {
    let mut tx = catalog.begin().await?;
    Sql::new(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
         INSERT INTO asset (id, status, title, template_group, recording, cycle, domain, app, stream, began, ended,
           duration_ticks, size_bytes, width, height, fps, bitrate_kbps, created, modified)
         SELECT printf('%032x', i), 'Normal', printf('court%d, round %d', i % 1000, i % 17), 'VOD_NO_TRANSCODE', printf('%032x', i), 0, 'play.example.org', 'cup',
           printf('court%d', i % 1000), $2 + i * 60000, $2 + i * 60000, 1, 1, 1, 1, 25.0, 1, $2 + i * 60000, $2 + i * 60000
         FROM n",
    )
    .arg(LIBRARY)
    .arg(at(0))
    .run(&mut tx)
    .await?;
    Ok(tx.commit().await?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_FOLDER").unwrap_or_else(|| std::env::temp_dir().into()))?;
    let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await?;
    catalog.migrate().await?;

    let mut times = Vec::new();
    for n in 0..ALONE {
        let began = Instant::now();
        catalog.set_setting("n", &n.to_string()).await?;
        times.push(began.elapsed());
    }
    told("a commit of one row", times);

    let mut times = Vec::new();
    for n in 0..ALONE {
        let sealed = open_cycle(&catalog, n).await?;
        times.push(seal(&catalog, &sealed).await?);
    }
    told("a cycle sealed", times);

    let mut all = Vec::new();
    for n in 0..AT_ONCE {
        all.push(open_cycle(&catalog, ALONE + n).await?);
    }
    let times = join_all(all.iter().map(|sealed| seal(&catalog, sealed))).await;
    told("500 cycles sealed at once, each", times.into_iter().collect::<anyhow::Result<_>>()?);

    fill(&catalog).await?;
    let mut times = Vec::new();
    for n in 0..ALONE {
        let sealed = open_cycle(&catalog, ALONE + AT_ONCE + n).await?;
        times.push(seal(&catalog, &sealed).await?);
    }
    told("a cycle sealed, beside a million assets", times);
    let page = Page { number: 1, size: 100 };
    let of_stream = RecordedFilter {
        domain: Some("play.example.org".into()),
        app: Some("cup".into()),
        stream: Some("court7".into()),
        ..Default::default()
    };
    let month = RecordedFilter {
        began_from: Some(at(100_000 * 60)),
        began_to: Some(at(143_200 * 60)),
        ..RecordedFilter::default()
    };
    for (what, filter) in [("of one stream", of_stream), ("of one month", month)] {
        let mut times = Vec::new();
        for _ in 0..LISTS {
            let began = Instant::now();
            catalog.recorded_assets(&filter, Order::Descending, page).await?;
            times.push(began.elapsed());
        }
        told(&format!("recorded assets {what}, in a million"), times);
    }
    let mut times = Vec::new();
    for _ in 0..LISTS / 10 {
        let began = Instant::now();
        catalog.assets(&AssetFilter::default(), Order::Descending, page).await?;
        times.push(began.elapsed());
    }
    told("the newest of a million assets, with their number", times);
    for (what, text) in [("a text in all", "round"), ("a text in some", "court77,"), ("two letters in some", "7,")] {
        let wanted = AssetMatch::Contains(AssetText::Title, vec![text.to_owned()]);
        let mut times = Vec::new();
        for _ in 0..LISTS / 10 {
            let began = Instant::now();
            catalog.search_assets(&wanted, &AssetSort::default(), AssetPart::Page(page)).await?;
            times.push(began.elapsed());
        }
        told(&format!("{what} of a million titles"), times);
    }
    catalog.close().await;
    Ok(())
}
