//! Searching assets, on both databases.

mod support;

use std::time::Duration;

use catalog::*;
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use units::{AssetId, StreamPath, WallTime};

support::contract! {
    texts_are_found_in_whatever_letter_case_and_language
    characters_that_patterns_give_a_meaning_are_only_themselves
    conditions_are_joined_as_they_say
    numbers_are_found_with_both_ends_of_a_range
    a_search_goes_on_behind_a_place_in_every_order
    a_place_stays_where_it_is_when_rows_come_and_go
    an_index_of_texts_finds_what_reading_them_finds
}

fn at_ms(ms: i64) -> WallTime {
    WallTime::from_unix_ms(1_772_359_200_000 + ms)
}

/// A recorded asset that was made so many milliseconds after the beginning, one second long for each `seconds`.
async fn asset(catalog: &Catalog, title: &str, ms: i64, seconds: i64) -> AssetId {
    let path = StreamPath::new("play.example.org", "cup", "court1").unwrap();
    let rule = RecordRule {
        key: RuleKey { domain: "play.example.org".into(), app: "*".into(), stream: "*".into() },
        on_demand: OnDemand::Automatic,
        cycle_length: Duration::from_secs(3600),
        grace: Duration::from_secs(180),
        template_group: NO_TRANSCODE.into(),
        compose_group: None,
        safety_buffer: Duration::ZERO,
    };
    let (recording, reel) = (catalog.ids().recording(at_ms(ms)), catalog.ids().reel(at_ms(ms)));
    let new = NewRecording { id: recording, path, rule, reel, node: "n1".into(), began: at_ms(ms) };
    let cycle = OpenCycle { number: 0, asset: catalog.ids().asset(at_ms(ms)), from_ticks: 0, began: at_ms(ms) };
    catalog.begin_recording(&new).await.unwrap();
    catalog.open_cycle(recording, &cycle).await.unwrap();
    let sealed = SealedCycle {
        recording,
        cycle: 0,
        asset: cycle.asset,
        title: title.to_owned(),
        template_group: NO_TRANSCODE.into(),
        status: AssetStatus::Normal,
        reel,
        from_ticks: 0,
        to_ticks: seconds * 90_000,
        began: at_ms(ms),
        ended: at_ms(ms),
        duration_ticks: seconds * 90_000,
        size_bytes: seconds.unsigned_abs() * 1_000,
        width: 1280,
        height: 720,
        fps: 25.0,
        bitrate_kbps: 2_000,
        sealed_at: at_ms(ms),
    };
    catalog.seal_cycle(&sealed, None).await.unwrap();
    catalog.end_recording(recording, Some(seconds * 90_000), at_ms(ms)).await.unwrap();
    cycle.asset
}

/// All that fit, oldest first.
async fn found(catalog: &Catalog, wanted: AssetMatch) -> Vec<AssetId> {
    let sort = AssetSort::by(&[(AssetSortKey::Created, Order::Ascending)]);
    let listed = catalog.search_assets(&wanted, &sort, AssetPart::Page(Page::ALL)).await.unwrap();
    assert_eq!(listed.total, listed.rows.len() as u64);
    listed.rows.into_iter().map(|asset| asset.id).collect()
}

fn titled(text: &str) -> AssetMatch {
    AssetMatch::Contains(AssetText::Title, vec![text.to_owned()])
}

async fn texts_are_found_in_whatever_letter_case_and_language(catalog: Catalog) {
    let mut ids = Vec::new();
    for (nth, title) in
        ["Cup Final", "ÉCOLE de Théâtre", "決勝 第1場 上海海港", "ФИНАЛ Кубка", "Ο ΑΓΩΝΑΣ", "İstanbul straße"]
            .iter()
            .enumerate()
    {
        ids.push(asset(&catalog, title, i64::try_from(nth).unwrap(), 1).await);
    }
    for (text, hits) in [
        ("cup f", vec![0]),
        ("UP FINAL", vec![0]),
        ("école", vec![1]),
        ("THÉÂTRE", vec![1]),
        ("theatre", vec![]),
        ("決勝", vec![2]),
        ("第1", vec![2]),
        ("勝決", vec![]),
        ("上海海港", vec![2]),
        ("場 上海海", vec![2]),
        ("海海上港", vec![]),
        ("финал куБКА", vec![3]),
        ("αγωνας", vec![4]),
        ("αγωνασ", vec![4]),
        ("İS", vec![5]),
        ("Straße", vec![5]),
        ("final", vec![0]),
        ("fin", vec![0]),
        ("", vec![0, 1, 2, 3, 4, 5]),
        ("a", vec![0, 5]),
    ] {
        let hits: Vec<_> = hits.into_iter().map(|nth: usize| ids[nth]).collect();
        assert_eq!(found(&catalog, titled(text)).await, hits, "{text}");
    }
    let either = AssetMatch::Contains(AssetText::Title, vec!["CUP".into(), "決".into()]);
    assert_eq!(found(&catalog, either).await, [ids[0], ids[2]]);
    assert!(found(&catalog, AssetMatch::Contains(AssetText::Title, vec![])).await.is_empty());
    assert!(
        found(&catalog, AssetMatch::Contains(AssetText::Title, vec!["\0".into()])).await.is_empty(),
        "no text has this"
    );

    let words =
        Description { tags: Some("Rain,final".into()), description: Some("Two\nlines".into()), ..Default::default() };
    catalog.describe_asset(ids[5], &words, at_ms(100)).await.unwrap();
    let of = async |field, text: &str| found(&catalog, AssetMatch::Contains(field, vec![text.to_owned()])).await;
    assert_eq!(of(AssetText::Tags, "FINAL").await, [ids[5]]);
    assert_eq!(of(AssetText::Description, "two\nLINES").await, [ids[5]]);
    assert!(of(AssetText::Description, "rain").await.is_empty());
    catalog.delete_asset(ids[5], Duration::ZERO, at_ms(101)).await.unwrap();
    assert!(of(AssetText::Tags, "final").await.is_empty());
}

async fn characters_that_patterns_give_a_meaning_are_only_themselves(catalog: Catalog) {
    let odd = r#"100% [a-z] *? ^$ (x|y) {2} \d+ _ . ' " ] - # ~ & ; / , : < = > @ ! `"#;
    let id = asset(&catalog, odd, 0, 1).await;
    asset(&catalog, "plain 123", 1, 1).await;
    assert_eq!(found(&catalog, titled(odd)).await, [id]);
    for c in odd.chars().filter(|c| !c.is_ascii_alphanumeric() && *c != ' ') {
        assert_eq!(found(&catalog, titled(&c.to_string())).await, [id], "{c}");
    }
    for text in ["1%2", "*3", "pl?in", "[a-z]lain", "plain|x", "p.ain", "plain _23", r"\d", "^plain", "3$"] {
        let hits = found(&catalog, titled(text)).await;
        assert_eq!(hits, if text == r"\d" { vec![id] } else { vec![] }, "{text}");
    }
}

async fn conditions_are_joined_as_they_say(catalog: Catalog) {
    let (a, b, c) =
        (asset(&catalog, "a", 0, 1).await, asset(&catalog, "b", 1, 1).await, asset(&catalog, "c", 2, 1).await);
    let CategoryAdded::Added(cup) = catalog.add_category(None, CategoryKind::Default, "cup", at_ms(0)).await.unwrap()
    else {
        panic!("no category")
    };
    for id in [a, b] {
        let sorted = Description { category: Some(Some(cup.id)), ..Default::default() };
        catalog.describe_asset(id, &sorted, at_ms(10)).await.unwrap();
    }
    let all = |conditions: &[AssetMatch]| AssetMatch::All(conditions.to_vec());
    let any = |conditions: &[AssetMatch]| AssetMatch::Any(conditions.to_vec());
    let in_cup = || AssetMatch::Categories(vec![cup.id]);
    for (wanted, ids) in [
        (all(&[]), vec![a, b, c]),
        (any(&[]), vec![]),
        (all(&[any(&[]), all(&[])]), vec![]),
        (any(&[any(&[]), all(&[])]), vec![a, b, c]),
        (AssetMatch::Ids(vec![c, a, AssetId::from_u128(7)]), vec![a, c]),
        (AssetMatch::Ids(vec![]), vec![]),
        (AssetMatch::Statuses(vec![AssetStatus::Normal, AssetStatus::Blocked]), vec![a, b, c]),
        (AssetMatch::Statuses(vec![AssetStatus::Blocked]), vec![]),
        // Only those are found that are not deleted, whatever is asked for.
        (AssetMatch::Statuses(vec![AssetStatus::Deleted]), vec![]),
        (AssetMatch::Recorded(true), vec![a, b, c]),
        (AssetMatch::Recorded(false), vec![]),
        (in_cup(), vec![a, b]),
        (AssetMatch::Categories(vec![cup.id, cup.id + 1]), vec![a, b]),
        (AssetMatch::Categories(vec![]), vec![]),
        // `and` would bind closer, were there no brackets.
        (all(&[in_cup(), any(&[titled("b"), titled("c")])]), vec![b]),
        (any(&[all(&[in_cup(), titled("b")]), titled("c")]), vec![b, c]),
    ] {
        assert_eq!(found(&catalog, wanted.clone()).await, ids, "{wanted:?}");
    }
    catalog.delete_asset(b, Duration::ZERO, at_ms(11)).await.unwrap();
    assert_eq!(found(&catalog, in_cup()).await, [a]);
    catalog.delete_category(cup.id).await.unwrap();
    assert!(found(&catalog, in_cup()).await.is_empty());
    assert!(found(&catalog, AssetMatch::Categories(vec![cup.id, cup.id + 1])).await.is_empty());
}

async fn numbers_are_found_with_both_ends_of_a_range(catalog: Catalog) {
    let (a, b) = (asset(&catalog, "a", 0, 1).await, asset(&catalog, "b", 1, 2).await);
    for (number, first, second) in [
        (AssetNumber::Size, 1_000, 2_000),
        (AssetNumber::Duration, 90_000, 180_000),
        (AssetNumber::Created, at_ms(0).unix_ms, at_ms(1).unix_ms),
        (AssetNumber::Modified, at_ms(0).unix_ms, at_ms(1).unix_ms),
    ] {
        for (from, to, ids) in [
            (first, second, vec![a, b]),
            (first, second - 1, vec![a]),
            (first + 1, second, vec![b]),
            (first + 1, second - 1, vec![]),
            (i64::MIN, i64::MAX, vec![a, b]),
            (second, first, vec![]),
        ] {
            assert_eq!(found(&catalog, AssetMatch::Between(number, from, to)).await, ids, "{number:?} {from} {to}");
        }
    }
}

/// Everything, page by page, each behind the last of the page before.
async fn scrolled(catalog: &Catalog, sort: &AssetSort, size: u32) -> Vec<AssetId> {
    let all = AssetMatch::All(vec![]);
    let mut part = AssetPart::Page(Page { number: 1, size });
    let mut ids = Vec::new();
    loop {
        let listed = catalog.search_assets(&all, sort, part).await.unwrap();
        let Some(last) = listed.rows.last() else { return ids };
        let place = AssetPlace { id: last.id, created: last.created, modified: last.modified };
        part = AssetPart::After(place, size);
        ids.extend(listed.rows.iter().map(|asset| asset.id));
        assert!(ids.len() as u64 <= listed.total, "it goes round");
    }
}

async fn a_search_goes_on_behind_a_place_in_every_order(catalog: Catalog) {
    // Some are made at the same time, some changed at the same time, some both.
    for (made, changed) in [(0, 9), (0, 9), (0, 7), (1, 7), (1, 7), (2, 5), (3, 5), (3, 9), (3, 9)] {
        let id = asset(&catalog, "a", made, 1).await;
        let words = Description { user_data: Some("x".into()), ..Default::default() };
        catalog.describe_asset(id, &words, at_ms(changed)).await.unwrap();
    }
    use AssetSortKey::{Created, Modified};
    use Order::{Ascending, Descending};
    let mut rows = catalog
        .search_assets(&AssetMatch::All(vec![]), &AssetSort::default(), AssetPart::Page(Page::ALL))
        .await
        .unwrap()
        .rows;
    for first in [Ascending, Descending] {
        for second in [Ascending, Descending] {
            for keys in [
                vec![(Created, first)],
                vec![(Modified, first)],
                vec![(Created, first), (Modified, second)],
                vec![(Modified, first), (Created, second), (Modified, second)],
            ] {
                rows.sort_by(|a, b| {
                    let key = |(key, order): &(AssetSortKey, Order)| {
                        let ordering = match key {
                            Created => a.created.cmp(&b.created),
                            Modified => a.modified.cmp(&b.modified),
                        };
                        if *order == Ascending { ordering } else { ordering.reverse() }
                    };
                    let by_id = if first == Ascending { a.id.cmp(&b.id) } else { b.id.cmp(&a.id) };
                    keys.iter().map(key).fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(by_id)
                });
                let wanted: Vec<_> = rows.iter().map(|asset| asset.id).collect();
                let sort = AssetSort::by(&keys);
                for size in [1, 2, 4, 100] {
                    assert_eq!(scrolled(&catalog, &sort, size).await, wanted, "{keys:?} by {size}");
                }
                let part = AssetPart::Page(Page { number: 2, size: 4 });
                let page = catalog.search_assets(&AssetMatch::All(vec![]), &sort, part).await.unwrap();
                let page: Vec<_> = page.rows.into_iter().map(|asset| asset.id).collect();
                assert_eq!(page, wanted[4..8], "{keys:?}");
            }
        }
    }
}

async fn a_place_stays_where_it_is_when_rows_come_and_go(catalog: Catalog) {
    let mut ids = Vec::new();
    for ms in 0..6 {
        ids.push(asset(&catalog, "a", ms, 1).await);
    }
    let all = AssetMatch::All(vec![]);
    let first =
        catalog.search_assets(&all, &AssetSort::default(), AssetPart::Page(Page { number: 1, size: 2 })).await.unwrap();
    let last = first.rows.last().unwrap();
    assert_eq!(last.id, ids[4]);
    let place = AssetPlace {
        id: last.id,
        created: catalog.asset_created(last.id).await.unwrap().unwrap(),
        modified: last.modified,
    };
    // The one the place is that of goes, and newer ones come.
    catalog.delete_asset(ids[4], Duration::ZERO, at_ms(50)).await.unwrap();
    asset(&catalog, "new", 60, 1).await;
    assert_eq!(catalog.asset_created(ids[4]).await.unwrap(), Some(place.created));
    assert_eq!(catalog.asset_created(AssetId::from_u128(7)).await.unwrap(), None);
    let next = catalog.search_assets(&all, &AssetSort::default(), AssetPart::After(place, 2)).await.unwrap();
    assert_eq!(next.rows.iter().map(|asset| asset.id).collect::<Vec<_>>(), [ids[3], ids[2]]);
    assert_eq!(next.total, 6);
}

/// What is asked for, in a way that no index of texts can tell of.
fn read(wanted: &AssetMatch) -> AssetMatch {
    AssetMatch::Any(vec![wanted.clone(), AssetMatch::Ids(vec![])])
}

async fn an_index_of_texts_finds_what_reading_them_finds(catalog: Catalog) {
    let words = [
        "Cup",
        "FINAL",
        "final",
        "決勝",
        "Straße",
        "ΑΓΩΝΑΣ",
        "αγωνας",
        "ⴀⴁⴂ",
        "a\"b",
        "K\u{212a}k",
        "João",
        "JOÃO",
        "Жук",
        "жУК",
        "100%",
        "[x]\\",
    ];
    for nth in 0..48 {
        let word = |step: i64| words[usize::try_from(nth * step).unwrap() % words.len()];
        let made = nth * 1_700_000;
        let id = asset(&catalog, &format!("{} {}", word(1), word(5)), made, 1 + nth % 4).await;
        let texts =
            Description { description: Some(word(3).to_owned()), tags: Some(word(7).to_owned()), ..Default::default() };
        catalog.describe_asset(id, &texts, at_ms(made + 5)).await.unwrap();
        if nth % 9 == 0 {
            assert!(catalog.delete_asset(id, Default::default(), at_ms(made + 6)).await.unwrap());
        }
    }
    let mut met = 0;
    for word in words {
        let letters: Vec<char> = word.chars().collect();
        for part in (1..=letters.len()).flat_map(|length| letters.windows(length)) {
            let text: String = part.iter().collect();
            let title = titled(&text);
            let tags = AssetMatch::Contains(AssetText::Tags, vec![text.clone(), "final".into()]);
            let about = AssetMatch::Contains(AssetText::Description, vec![text.to_uppercase()]);
            let long = AssetMatch::Between(AssetNumber::Duration, 180_000, 270_000);
            for wanted in [
                title.clone(),
                AssetMatch::Any(vec![title.clone(), tags.clone(), about.clone()]),
                AssetMatch::All(vec![tags, AssetMatch::Any(vec![title, long.clone()])]),
                AssetMatch::All(vec![about, long]),
            ] {
                let indexed = found(&catalog, wanted.clone()).await;
                assert_eq!(indexed, found(&catalog, read(&wanted)).await, "{wanted:?}");
                met += indexed.len();
            }
        }
    }
    assert!(met > 1_000, "{met} were found");
}
