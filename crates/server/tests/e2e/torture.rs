//! The torture run in short: the same judge, a few kills.

use testkit::torture::{Options, run};

use crate::support::reprise;

/// Line 1, 2, 4 and 5 of the torture list.
#[tokio::test]
async fn kills_at_any_moment_cost_at_most_a_second_and_no_asset_or_event() {
    let options =
        Options { kills: 5, publishers: 4, seed: 7, cycle_seconds: 5, grace_seconds: 3, ..Options::default() };
    let score = run(reprise(), &options, &|_| {}).await.unwrap();
    assert!(score.failures.is_empty(), "{}", score.to_markdown());
}
