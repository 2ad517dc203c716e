//! `cargo xtask bench library`: lists and searches in a library of a million videos, asked for through the API.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use catalog::sql::{Sql, Value};
use catalog::{Catalog, CatalogUrl, CategoryAdded, CategoryKind};
use clap::Parser;
use testkit::api::Api;
use testkit::server::Server;
use tokio::time::Instant;
use units::{AssetId, RecordingId, WallTime};

/// Assets that one statement inserts.
const BATCH: u64 = 500;
/// Between the creation of two assets.
const APART_MS: i64 = 31_000;
/// When the first is made.
const BEGAN_MS: i64 = 1_740_000_000_000;
const DOMAIN: &str = "play.example.org";
const APPS: [&str; 4] = ["cup", "league", "lessons", "worship"];
/// Streams of each app.
const STREAMS: u64 = 500;
const CATEGORIES: [&str; 12] = [
    "Football",
    "Tennis",
    "Handball",
    "Lessons",
    "Worship",
    "Concerts",
    "足球",
    "网球",
    "课程",
    "音乐会",
    "会议",
    "Archive",
];
const TEAMS: [&str; 24] = [
    "Harbour United",
    "Northfield",
    "Sankt Pauli",
    "Red Lions",
    "Old Mill",
    "Rovers",
    "Wanderers",
    "Saint-Étienne",
    "Athletic",
    "Riverside",
    "Blue Hawks",
    "City Juniors",
    "上海海港",
    "北京国安",
    "广州城",
    "山东泰山",
    "成都蓉城",
    "浙江队",
    "长春亚泰",
    "大连人",
    "河南队",
    "天津津门虎",
    "武汉三镇",
    "深圳队",
];
const ROUNDS: [&str; 12] = [
    "Final",
    "Semi-final",
    "Quarter-final",
    "Group stage",
    "Training",
    "Friendly",
    "决赛",
    "半决赛",
    "四分之一决赛",
    "小组赛",
    "训练",
    "友谊赛",
];
const TAGS: [&str; 20] = [
    "live",
    "highlights",
    "hd",
    "youth",
    "women",
    "men",
    "indoor",
    "rain",
    "night",
    "derby",
    "直播",
    "精彩",
    "青年",
    "女子",
    "男子",
    "室内",
    "夜场",
    "德比",
    "回放",
    "public",
];
const STATUSES: [(&str, u64); 5] =
    [("Normal", 9_500), ("Transcoding", 300), ("UploadSucc", 150), ("TranscodeFail", 40), ("Blocked", 10)];
/// In one title of 10 000.
const RARE: [&str; 4] = ["Zanzibar", "Quixote", "麒麟", "貔貅"];

/// Fills a catalog and asks a server of it.
#[derive(Parser)]
struct Options {
    /// The reprise binary, built for release
    #[arg(long)]
    server: PathBuf,
    /// Videos in the library
    #[arg(long, default_value_t = 1_000_000)]
    assets: u64,
    /// How often each question is asked
    #[arg(long, default_value_t = 200)]
    rounds: u32,
    /// Where the server keeps its data; without it the folder for temporary files
    #[arg(long)]
    work: Option<PathBuf>,
    /// An empty database on PostgreSQL (postgres://…); without it SQLite is filled
    #[arg(long)]
    postgres: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("library: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let mut settings = vec![("REPRISE_LOG__LEVEL", "warn")];
    if let Some(url) = &options.postgres {
        settings.push(("REPRISE_CATALOG__URL", url.as_str()));
    }
    let work = options.work.clone().unwrap_or_else(std::env::temp_dir);
    // It makes its catalog at the first start.
    let mut server = Server::start_in(&options.server, &settings, &work, &[]).await?;
    server.stop().await?;
    let url = match &options.postgres {
        Some(url) => CatalogUrl::Postgres(url.clone()),
        None => CatalogUrl::Sqlite(server.data().join("catalog.sqlite")),
    };
    let began = Instant::now();
    let catalog = Catalog::open(&url).await?;
    let categories = fill(&catalog, options.assets).await?;
    if options.postgres.is_some() {
        // It plans by statistics, which it otherwise takes by itself some minutes later.
        let mut tx = catalog.begin().await?;
        Sql::new("ANALYZE asset").run(&mut tx).await?;
        tx.commit().await?;
    }
    catalog.close().await;
    // With it goes the lock, so that the server can have the file.
    drop(catalog);
    println!("{} videos in {:.0?}", options.assets, began.elapsed());
    if let CatalogUrl::Sqlite(path) = &url {
        println!("{} MiB of SQLite", std::fs::metadata(path)?.len() >> 20);
    }
    server.restart().await?;
    println!("{:<58} {:>9} {:>9} {:>9} {:>7}", "", "p50", "p99", "max", "total");
    let api = server.api();
    let questions = questions(&categories);
    // A server that has just started is at its first tasks yet.
    for question in &questions {
        question.ask(&api, &mut Dice(WARM_SEED)).await?;
    }
    for question in &questions {
        question.measure(&api, options.rounds).await?;
    }
    scroll(&api, "all, page by page of 100, by token", "", options.rounds).await?;
    scroll(&api, "a word, page by page of 100, by token", "Title = 'final'", options.rounds).await?;
    let years = "CreationTime = ['2020-01-01T00:00:00Z','2040-01-01T00:00:00Z']";
    scroll(&api, "a range of creation, page by page of 100, by token", years, options.rounds).await?;
    server.stop().await
}

/// What is asked before anything is measured.
const WARM_SEED: u64 = 0x0FED_CBA9_8765_4321;

/// Numbers that look like chance, and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        // xorshift64*.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let length = u64::try_from(all.len()).unwrap_or(u64::MAX);
        all[usize::try_from(self.below(length)).unwrap_or_default()]
    }

    fn id(&mut self, made_ms: i64) -> u128 {
        let made = u128::from(made_ms.unsigned_abs()) << 80;
        made | (7 << 76) | (2 << 62) | u128::from(self.below(1 << 31)) << 31 | u128::from(self.below(1 << 31))
    }
}

async fn fill(catalog: &Catalog, assets: u64) -> anyhow::Result<Vec<i64>> {
    let mut categories = Vec::new();
    for name in CATEGORIES {
        match catalog.add_category(None, CategoryKind::Default, name, WallTime::from_unix_ms(BEGAN_MS)).await? {
            CategoryAdded::Added(category) => categories.push(category.id),
            _ => anyhow::bail!("the category {name} was refused"),
        }
    }
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut done = 0;
    while done < assets {
        let batch = BATCH.min(assets - done);
        let mut sql = Sql::new(
            "INSERT INTO asset (id, status, title, description, category, tags, template_group, recording, cycle, domain, app, stream,
               began, ended, duration_ticks, size_bytes, width, height, fps, bitrate_kbps, created, modified) VALUES ",
        );
        for nth in 0..batch {
            sql = row(sql.text(if nth == 0 { "" } else { ", " }), done + nth, &categories, &mut dice)?;
        }
        let mut tx = catalog.begin().await?;
        sql.run(&mut tx).await?;
        // They were written long ago.
        Sql::new("DELETE FROM stale").run(&mut tx).await?;
        tx.commit().await?;
        done += batch;
    }
    Ok(categories)
}

/// The values of one asset.
fn row(sql: Sql, number: u64, categories: &[i64], dice: &mut Dice) -> anyhow::Result<Sql> {
    let created = BEGAN_MS + i64::try_from(number)? * APART_MS;
    let mut share = dice.below(10_000);
    let status = STATUSES.iter().find(|(_, of)| share.checked_sub(*of).map(|rest| share = rest).is_none());
    let (status, _) = status.context("the shares are a whole")?;
    let mut title =
        format!("{} – {}, {} {}", dice.one_of(&TEAMS), dice.one_of(&TEAMS), dice.one_of(&ROUNDS), number % 1_000);
    if dice.below(10_000) == 0 {
        title = format!("{title} {}", dice.one_of(&RARE));
    }
    let description = match dice.below(5) {
        0 => format!("Recorded for {}. {}", dice.one_of(&TEAMS), dice.one_of(&ROUNDS)),
        _ => String::new(),
    };
    let tags = format!("{},{}", dice.one_of(&TAGS), dice.one_of(&TAGS));
    let category = (dice.below(10) > 0).then(|| dice.one_of(categories));
    let recorded = dice.below(20) > 0;
    let when = |ms: i64| recorded.then_some(ms);
    let seconds = i64::try_from(60 + dice.below(7_200))?;
    let app = dice.one_of(&APPS);
    let stream = format!("court{}", dice.below(STREAMS));
    let modified = created + i64::try_from(dice.below(2_592_000_000))?;
    let values: [Value; 22] = [
        AssetId::from_u128(dice.id(created)).into(),
        (*status).into(),
        title.into(),
        description.into(),
        category.into(),
        tags.into(),
        "VOD_NO_TRANSCODE".into(),
        recorded.then(|| RecordingId::from_u128(dice.id(created))).into(),
        when(0).into(),
        recorded.then_some(DOMAIN).into(),
        recorded.then_some(app).into(),
        recorded.then_some(stream).into(),
        when(created - seconds * 1_000).into(),
        when(created).into(),
        (seconds * 90_000).into(),
        (seconds * 250_000).into(),
        // Without pictures, so that the server does not begin to take covers of them.
        0_i64.into(),
        0_i64.into(),
        0.0_f64.into(),
        2_000_i64.into(),
        created.into(),
        modified.into(),
    ];
    let mut sql = sql;
    for (nth, value) in values.into_iter().enumerate() {
        sql = sql.with(if nth == 0 { "(" } else { ", " }, value);
    }
    Ok(sql.text(")"))
}

/// The parameters of a question.
type Params = Box<dyn Fn(&mut Dice) -> Vec<(&'static str, String)>>;

/// One kind of question; what differs from time to time is drawn from `dice`.
struct Question {
    name: &'static str,
    action: &'static str,
    params: Params,
}

fn questions(categories: &[i64]) -> Vec<Question> {
    let ask = |name, action, params: Params| Question { name, action, params };
    let list = |name, params: Params| ask(name, "GetVideoList", params);
    let search = |name, wanted: Box<dyn Fn(&mut Dice) -> String>, rest: &[(&'static str, &'static str)]| {
        let rest: Vec<_> = rest.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let params = move |dice: &mut Dice| [("Match", wanted(dice))].into_iter().chain(rest.clone()).collect();
        ask(name, "SearchMedia", Box::new(params))
    };
    let (of, of_all) = (categories.to_vec(), categories.to_vec());
    let page = |number: u64| move |_: &mut Dice| vec![("PageNo", number.to_string()), ("PageSize", "100".to_owned())];
    let name_of = |all: &'static [&'static str], field: &'static str| {
        move |dice: &mut Dice| format!("{field} = '{}'", dice.one_of(all))
    };
    let oldest = [("SortBy", "CreationTime:Asc")];
    let changed = [("SortBy", "ModificationTime:Desc")];
    let hundred = [("PageSize", "100")];
    vec![
        list("list: the newest 100", Box::new(page(1))),
        list("list: page 50 of 100", Box::new(page(50))),
        list(
            "list: of a category",
            Box::new(move |dice| vec![("CateId", dice.one_of(&of).to_string()), ("PageSize", "100".into())]),
        ),
        list("list: Normal", Box::new(|_| vec![("Status", "Normal".into()), ("PageSize", "100".into())])),
        list("list: Blocked", Box::new(|_| vec![("Status", "Blocked".into()), ("PageSize", "100".into())])),
        list(
            "list: Normal, Transcoding, page 50 of 100",
            Box::new(|_| {
                let page = [("PageNo", "50".to_owned()), ("PageSize", "100".to_owned())];
                page.into_iter().chain([("Status", "Normal,Transcoding".to_owned())]).collect()
            }),
        ),
        ask(
            "recorded: of a stream",
            "ListLiveRecordVideo",
            Box::new(|dice| {
                let stream = format!("court{}", dice.below(STREAMS));
                vec![("DomainName", DOMAIN.into()), ("AppName", dice.one_of(&APPS).into()), ("StreamName", stream)]
            }),
        ),
        ask("recorded: of a domain", "ListLiveRecordVideo", Box::new(|_| vec![("DomainName", DOMAIN.into())])),
        search("search: all", Box::new(|_| String::new()), &hundred),
        search("search: a word of a title", Box::new(name_of(&["united", "final", "training"], "Title")), &[]),
        search(
            "search: a word of a title, 100",
            Box::new(name_of(&["united", "final", "training"], "Title")),
            &hundred,
        ),
        search("search: a rare word", Box::new(name_of(&["zanzibar", "Quixote"], "Title")), &hundred),
        search("search: a word that is not there", Box::new(name_of(&["nowhere", "没有的词"], "Title")), &hundred),
        search("search: two letters", Box::new(name_of(&["un", "ro", "sa"], "Title")), &hundred),
        search("search: two letters, rare", Box::new(name_of(&["zz", "xy", "qu"], "Title")), &hundred),
        search("search: Chinese, two characters", Box::new(name_of(&["决赛", "上海", "国安"], "Title")), &hundred),
        search("search: Chinese, two characters, rare", Box::new(name_of(&["麒麟", "貔貅"], "Title")), &hundred),
        search("search: Chinese, one character, rare", Box::new(name_of(&["麟", "貔"], "Title")), &hundred),
        search("search: Chinese, four characters", Box::new(name_of(&["上海海港", "成都蓉城"], "Title")), &hundred),
        search("search: a tag", Box::new(name_of(&["highlights", "德比"], "Tags")), &hundred),
        search(
            "search: a word in title or tags, Normal, recorded",
            Box::new(|dice| {
                let word = dice.one_of(&["rovers", "北京国安", "derby"]);
                format!(
                    "MediaSource in ('live') and Status in ('Normal') and (Title in ('{word}') or Tags in ('{word}'))"
                )
            }),
            &[],
        ),
        search("search: a word, oldest first", Box::new(name_of(&["final"], "Title")), &oldest),
        search("search: a word, changed last first", Box::new(name_of(&["final"], "Title")), &changed),
        search(
            "search: two states, changed last first",
            Box::new(|_| "Status in ('Normal','Transcoding')".into()),
            &changed,
        ),
        search("search: not recorded", Box::new(|_| "MediaSource in ('general')".into()), &hundred),
        search(
            "search: three categories",
            Box::new(move |dice| {
                let mut any = || dice.one_of(&of_all).to_string();
                format!("CateId in ({},{},{})", any(), any(), any())
            }),
            &hundred,
        ),
        search(
            "search: a narrow range of durations",
            Box::new(|dice| {
                let from = 60 + dice.below(7_000);
                format!("Duration = [{from},{}]", from + 5)
            }),
            &hundred,
        ),
        search("search: a wide range of durations", Box::new(|_| "Duration = [600,4000]".into()), &hundred),
        search(
            "search: a wide range of sizes, Normal",
            Box::new(|_| "Size = [1,900000000] and Status = 'Normal'".into()),
            &hundred,
        ),
        search(
            "search: a day of creation",
            Box::new(|dice| {
                let day = WallTime::from_unix_ms(BEGAN_MS + i64::try_from(dice.below(9_000)).unwrap_or(0) * 3_600_000);
                let next = WallTime::from_unix_ms(day.unix_ms + 86_400_000);
                format!("CreationTime = ('{}','{}')", day.to_iso8601(), next.to_iso8601())
            }),
            &hundred,
        ),
    ]
}

impl Question {
    /// Asks once: how long the answer took, and how many there are.
    async fn ask(&self, api: &Api, dice: &mut Dice) -> anyhow::Result<(Duration, u64)> {
        let params = (self.params)(dice);
        let params: Vec<_> = params.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let began = Instant::now();
        let answer = api.vod(self.action, &params).await?;
        let took = began.elapsed();
        let total = answer["Total"].as_u64().with_context(|| format!("{}: no Total in {answer}", self.name))?;
        Ok((took, total))
    }

    async fn measure(&self, api: &Api, rounds: u32) -> anyhow::Result<()> {
        let mut dice = Dice(0x1234_5678_9ABC_DEF1);
        // The first warms up.
        let (_, mut total) = self.ask(api, &mut dice).await?;
        let mut times = Vec::new();
        for _ in 0..rounds {
            let (took, found) = self.ask(api, &mut dice).await?;
            times.push(took);
            total = found;
        }
        told(self.name, times, total);
        Ok(())
    }
}

/// Walks through what a search finds.
async fn scroll(api: &Api, name: &str, wanted: &str, pages: u32) -> anyhow::Result<()> {
    let (mut times, mut token, mut total) = (Vec::new(), String::new(), 0);
    for _ in 0..pages {
        let began = Instant::now();
        let params = [("Match", wanted), ("PageSize", "100"), ("ScrollToken", &token)];
        let answer = api.vod("SearchMedia", &params[..if token.is_empty() { 2 } else { 3 }]).await?;
        times.push(began.elapsed());
        total = answer["Total"].as_u64().context("no Total")?;
        let Some(next) = answer["ScrollToken"].as_str() else { break };
        ensure!(next != token, "it does not go on");
        token = next.to_owned();
    }
    told(name, times, total);
    Ok(())
}

fn told(what: &str, mut times: Vec<Duration>, total: u64) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    println!("{what:<58} {:>6.1} ms {:>6.1} ms {:>6.1} ms {total:>7}", at(50), at(99), at(100));
}
