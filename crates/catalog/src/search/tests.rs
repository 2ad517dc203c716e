use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;
use units::RecordingId;

use super::pages::COUNTED_MAX;
use super::text::folded;
use super::*;
use crate::sql::cases;
use crate::{CatalogUrl, Description, Ids, Tx};

async fn empty() -> (Catalog, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"));
    let catalog = Catalog::open_with(&url, Ids::seeded(1)).await.unwrap();
    catalog.migrate().await.unwrap();
    (catalog, folder)
}

async fn insert(tx: &mut Tx, number: u32, title: &str, tags: &str, created: i64, modified: i64) {
    let statuses = [AssetStatus::Normal, AssetStatus::Blocked];
    Sql::new(
        "INSERT INTO asset (id, status, title, tags, template_group, duration_ticks, size_bytes, width, height, fps, bitrate_kbps,
           created, modified, recording, domain, app, stream)
         VALUES ($1, $2, $3, $4, '', 1, $5, 1, 1, 1.0, 1, $6, $7, $8, 'play.localhost', 'app', 'stream')",
    )
    .arg(AssetId::from_u128(number.into()))
    .arg(statuses[usize::from(number.is_multiple_of(3))])
    .arg(title)
    .arg(tags)
    .arg(created % 7)
    .arg(created)
    .arg(modified)
    .arg(number.is_multiple_of(5).then(|| RecordingId::from_u128(number.into())))
    .run(tx)
    .await
    .unwrap();
}

/// The terms in the index of a text of one letter.
#[tokio::test]
async fn every_letter_is_in_the_index_as_it_is_looked_for() {
    let (catalog, _folder) = empty().await;
    let mut tx = catalog.begin().await.unwrap();
    // All letters that have a case here or may have one there, and some of the many that have none.
    let may_have_cases = |c: char| c.is_alphabetic() && !('\u{3000}'..'\u{a640}').contains(&c) && c < '\u{20000}';
    let is_asked = |c: &char| {
        cases(*c).len() > 1 || u32::from(*c) < 0x600 || may_have_cases(*c) || u32::from(*c).is_multiple_of(97)
    };
    let asked: Vec<char> = ('\u{1}'..=char::MAX).filter(is_asked).filter(|c| !"\n\u{1f}".contains(*c)).collect();
    for (nth, letters) in (0u32..).zip(asked.chunks(500)) {
        let text: String = letters.iter().flat_map(|c| [*c, '\n', '\n']).collect();
        insert(&mut tx, nth, &text, "", nth.into(), 0).await;
    }
    let sql = Sql::new("SELECT term, COUNT(*) AS total FROM asset_text_terms GROUP BY term");
    let terms = sql.rows(&mut tx).await.unwrap();
    let terms: BTreeMap<String, i64> =
        terms.iter().map(|row| (row.text("term").unwrap(), row.int("total").unwrap())).collect();
    let mut alike = BTreeMap::<char, i64>::new();
    asked.iter().filter_map(|c| folded(*c)).for_each(|fold| *alike.entry(fold).or_default() += 1);
    for (letter, fold) in asked.iter().filter_map(|c| Some((*c, folded(*c)?))) {
        // Nothing is found by it but what is alike: where all letters of a text are known, the index decides.
        let there = terms.get(&format!("{fold}\n\n"));
        assert_eq!(there, alike.get(&fold), "{letter:?} is not there as {fold:?}, or something else is as well");
        for case in cases(letter) {
            assert_eq!(folded(case), Some(fold), "{case:?} is looked for in another way than {letter:?}");
        }
    }
}

/// Words in which short and long texts, all cases and odd letters meet often.
const WORDS: [&str; 12] =
    ["Cup", "cup", "FINAL", "final", "決勝", "決", "Straße", "ΑΓΩΝΑΣ", "αγωνας", "ⴀⴁⴂ", "a\"b", "K\u{212a}k"];

fn texts() -> impl Strategy<Value = String> {
    let word = prop::sample::select(&WORDS[..]);
    let whole = prop::collection::vec(word.clone(), 1..3).prop_map(|words| words.join(" "));
    let part = (word, 0usize..4, 1usize..5)
        .prop_map(|(word, from, length)| word.chars().skip(from).take(length).collect::<String>());
    prop_oneof![whole, part, ".{0,3}"]
}

fn matches() -> impl Strategy<Value = AssetMatch> {
    let field = prop::sample::select(&[AssetText::Title, AssetText::Tags, AssetText::Description][..]);
    let contains = (field, prop::collection::vec(texts(), 1..3)).prop_map(|(f, t)| AssetMatch::Contains(f, t));
    let statuses = prop::sample::subsequence(vec![AssetStatus::Normal, AssetStatus::Blocked], 0..=2);
    let number = prop::sample::select(&[AssetNumber::Size, AssetNumber::Created, AssetNumber::Modified][..]);
    let between = (number, 0i64..40, 0i64..40).prop_map(|(n, from, to)| AssetMatch::Between(n, from, to));
    let beside =
        prop_oneof![statuses.prop_map(AssetMatch::Statuses), any::<bool>().prop_map(AssetMatch::Recorded), between];
    let leaf = prop_oneof![2 => contains, 1 => beside];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let some = prop::collection::vec(inner, 0..3);
        prop_oneof![some.clone().prop_map(AssetMatch::All), some.prop_map(AssetMatch::Any)]
    })
}

fn sorts() -> impl Strategy<Value = AssetSort> {
    let key = prop::sample::select(&[AssetSortKey::Created, AssetSortKey::Modified][..]);
    let order = prop::sample::select(&[Order::Ascending, Order::Descending][..]);
    prop::collection::vec((key, order), 0..3).prop_map(|keys| AssetSort::by(&keys))
}

/// What one search is: page by page with its index, or with none.
async fn walk(catalog: &Catalog, hits: Option<Hits>, wanted: &AssetMatch, sort: &AssetSort, size: u32) -> Vec<AssetId> {
    let mut ids = Vec::new();
    let mut place = None;
    loop {
        let part = match place {
            None => AssetPart::Page(Page { number: 1, size }),
            Some(place) => AssetPart::After(place, size),
        };
        let listed = catalog.search_along(hits.clone().into(), wanted, sort, part).await.unwrap();
        let Some(last) = listed.rows.last() else {
            assert_eq!(listed.total, (ids.len() as u64).min(COUNTED_MAX.into()), "{wanted:?}");
            return ids;
        };
        place = Some(AssetPlace { id: last.id, created: last.created, modified: last.modified });
        ids.extend(listed.rows.iter().map(|asset| asset.id));
        assert!(ids.len() <= 200, "it goes round: {wanted:?}");
    }
}

#[test]
fn the_index_answers_what_reading_everything_answers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (catalog, _folder) = runtime.block_on(empty());
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runtime.block_on(async {
        let mut tx = catalog.begin().await.unwrap();
        for number in 0..120u32 {
            let word = |step: u32| WORDS[usize::try_from(number * step + number / 7).unwrap() % WORDS.len()];
            let title = format!("{} {}", word(1), word(5));
            insert(&mut tx, number * 7919 % 127, &title, word(7), i64::from(number / 4), i64::from(number % 11)).await;
        }
        tx.commit().await.unwrap();
        // Some are written on, some deleted, some restored.
        let rows = catalog
            .search_assets(&AssetMatch::All(vec![]), &AssetSort::default(), AssetPart::Page(Page::ALL))
            .await
            .unwrap()
            .rows;
        for ((nth, asset), word) in (0i64..).zip(&rows).zip(WORDS.iter().cycle()) {
            let now = WallTime::from_unix_ms(20 + nth % 5);
            let words = Description { description: Some((*word).to_owned()), ..Default::default() };
            match nth % 4 {
                0 => catalog.describe_asset(asset.id, &words, now).await.unwrap(),
                1 if nth % 3 == 0 => assert!(catalog.delete_asset(asset.id, Default::default(), now).await.unwrap()),
                _ => {}
            }
        }
    });
    let result = runner.run(&(matches(), sorts(), 1u32..50), |(wanted, sort, size)| {
        let (indexed, plain) = runtime.block_on(async {
            let indexed = walk(&catalog, Hits::of(&wanted), &wanted, &sort, size).await;
            (indexed, walk(&catalog, None, &wanted, &sort, 100).await)
        });
        prop_assert_eq!(indexed, plain, "{:?} {:?}", wanted, sort);
        Ok(())
    });
    result.unwrap();
    let nothing = AssetMatch::Contains(AssetText::Title, vec!["\0\u{1}".to_owned()]);
    for hits in [None, Hits::of(&nothing)] {
        assert_eq!(runtime.block_on(walk(&catalog, hits, &nothing, &AssetSort::default(), 9)), []);
    }
}

#[test]
fn a_word_that_many_have_is_found_in_every_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (catalog, _folder) = empty().await;
        let mut tx = catalog.begin().await.unwrap();
        for (number, word) in (0..3 * COUNTED_MAX).zip(["Final", "final", "Cup"].into_iter().cycle()) {
            insert(&mut tx, number * 7 % 121, word, "", i64::from(number / 4), i64::from(number % 11)).await;
        }
        tx.commit().await.unwrap();
        let word = AssetMatch::Contains(AssetText::Title, vec!["FINAL".into()]);
        let normal = AssetMatch::All(vec![word.clone(), AssetMatch::Statuses(vec![AssetStatus::Normal])]);
        for wanted in [&word, &normal] {
            let keys = [AssetSortKey::Created, AssetSortKey::Modified];
            for key in keys.into_iter().flat_map(|key| [(key, Order::Ascending), (key, Order::Descending)]) {
                let (sort, hits) = (AssetSort::by(&[key]), Hits::of(wanted));
                assert!(hits.as_ref().is_some_and(Hits::decides));
                let indexed = walk(&catalog, hits, wanted, &sort, 7).await;
                assert!(indexed.len() > COUNTED_MAX as usize, "{} are not many", indexed.len());
                assert_eq!(indexed, walk(&catalog, None, wanted, &sort, 100).await, "{wanted:?} {sort:?}");
            }
        }
    });
}

#[test]
fn a_short_text_that_many_have_is_counted_by_the_index_as_by_reading() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (catalog, _folder) = empty().await;
        let mut tx = catalog.begin().await.unwrap();
        for (number, word) in (0..3 * COUNTED_MAX).zip(WORDS.iter().cycle()) {
            let tags = WORDS[usize::try_from(number / 5).unwrap() % WORDS.len()];
            insert(&mut tx, number, &format!("{word} Final"), tags, i64::from(number / 4), 0).await;
        }
        tx.commit().await.unwrap();
        let sort = AssetSort::default();
        let mut enough = 0;
        for word in WORDS {
            let letters: Vec<char> = word.chars().collect();
            for text in letters.windows(1).chain(letters.windows(2)) {
                let contains = |field| AssetMatch::Contains(field, vec![text.iter().collect()]);
                let (title, tags) = (contains(AssetText::Title), contains(AssetText::Tags));
                let pair = vec![title.clone(), tags];
                let recorded = AssetMatch::Recorded(false);
                let with_more = AssetMatch::All(vec![recorded, AssetMatch::Any(pair.clone())]);
                // Of two that are both asked for, one alone tells nothing of the other.
                for wanted in [title, AssetMatch::Any(pair.clone()), AssetMatch::All(pair), with_more] {
                    let hits = Hits::of(&wanted);
                    let part = AssetPart::Page(Page { number: 1, size: 100 });
                    let indexed = catalog.search_along(hits.clone().into(), &wanted, &sort, part).await.unwrap();
                    let plain = catalog.search_along(Index::None, &wanted, &sort, part).await.unwrap();
                    assert_eq!(indexed, plain, "{wanted:?}");
                    let decides = hits.is_some_and(|hits| hits.decides() && !hits.are_in_order());
                    enough += u32::from(decides && plain.total == u64::from(COUNTED_MAX));
                }
            }
        }
        assert!(enough > 5, "{enough} were common");
    });
}

#[tokio::test]
async fn what_is_asked_beside_texts_is_kept_as_it_changes() {
    let (catalog, _folder) = empty().await;
    let mut tx = catalog.begin().await.unwrap();
    for number in 0..30 {
        insert(&mut tx, number, "Final", "", i64::from(number / 4), 0).await;
    }
    let changes = [
        "UPDATE asset SET status = 'Normal', title = 'Cup' WHERE size_bytes = 1",
        "UPDATE asset SET category = 3, modified = 9 WHERE size_bytes < 3",
        "UPDATE asset SET category = NULL, duration_ticks = 77 WHERE size_bytes = 2",
        "UPDATE asset SET deleted = 5 WHERE size_bytes = 3 AND recording IS NULL",
        "UPDATE asset SET deleted = NULL, created = 1, status = 'Blocked' WHERE size_bytes = 3",
        "UPDATE asset SET recording = NULL, size_bytes = 1000 WHERE size_bytes = 4",
        "UPDATE asset SET deleted = 6, status = 'Normal' WHERE size_bytes = 5",
        "DELETE FROM asset WHERE size_bytes = 0",
    ];
    for change in changes {
        Sql::new(change).run(&mut tx).await.unwrap();
        let differ = Sql::new(
            "SELECT COUNT(*) AS total FROM (SELECT id, status, recording IS NOT NULL OR NULL, category, duration_ticks, size_bytes,
               created, modified, title FROM asset WHERE deleted IS NULL
             EXCEPT SELECT id, status, recording, category, duration_ticks, size_bytes, created, modified,
               replace(title, char(31), '') FROM asset_doc JOIN asset_text ON asset_text.rowid = doc AND asset = id)",
        );
        assert_eq!(differ.row(&mut tx).await.unwrap().unwrap().int("total").unwrap(), 0, "{change}");
        let more = Sql::new(
            "SELECT (SELECT COUNT(*) FROM asset_doc) - (SELECT COUNT(*) FROM asset WHERE deleted IS NULL) AS more",
        );
        assert_eq!(more.row(&mut tx).await.unwrap().unwrap().int("more").unwrap(), 0, "{change}");
    }
}
