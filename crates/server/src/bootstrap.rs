//! What a new installation starts with: one pair of domains, and a rule that records every stream on it.

use std::time::Duration;

use anyhow::Context;
use catalog::{Catalog, Domain, DomainKind, Mapping, StoredRule};
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use encode::Capabilities;
use units::WallTime;

use crate::config::Live;

/// The setting that says that this was done, so that what a user deletes stays deleted.
const DONE: &str = "bootstrapped";
/// The same for the first template group.
const TEMPLATES_DONE: &str = "first_template_group";
/// CycleDuration of the first rule: the contract's own default.
const CYCLE: Duration = Duration::from_secs(3600);
/// DelayTime of the first rule: the contract's own default.
const GRACE: Duration = Duration::from_secs(180);

/// Makes the default domains, their mapping and the rule, once in the life of a catalog.
pub async fn bootstrap(catalog: &Catalog, live: &Live, now: WallTime) -> anyhow::Result<()> {
    let push_domain = live.default_push_domain.to_ascii_lowercase();
    let play_domain = live.default_play_domain.to_ascii_lowercase();
    let mut tx = catalog.begin().await?;
    if !tx.set_setting(DONE, &now.to_iso8601()).await? {
        return Ok(());
    }
    for (name, kind) in [(&push_domain, DomainKind::Push), (&play_domain, DomainKind::Play)] {
        let domain = Domain::new(name, kind, now);
        tx.add_domain(&domain).await.with_context(|| format!("cannot make the default domain {name}"))?;
    }
    tx.add_mapping(&Mapping { push_domain, play_domain: play_domain.clone() }, now).await?;
    let rule = RecordRule {
        key: RuleKey { domain: play_domain, app: "*".to_owned(), stream: "*".to_owned() },
        on_demand: OnDemand::Automatic,
        cycle_length: CYCLE,
        grace: GRACE,
        template_group: NO_TRANSCODE.to_owned(),
        compose_group: None,
        safety_buffer: Duration::ZERO,
    };
    tx.add_rule(&StoredRule { rule, wire: serde_json::json!({}), created: now }).await?;
    tx.commit().await?;
    tracing::info!("made the default domains and a rule that records every stream on them");
    Ok(())
}

/// Makes a first template group and makes it the default one, once in the life of a catalog. Not before this host can
/// encode it.
pub async fn first_template_group(catalog: &Catalog, encoder: Capabilities, now: WallTime) -> anyhow::Result<()> {
    if catalog.setting(TEMPLATES_DONE).await?.is_some() {
        return Ok(());
    }
    let Some(group) = api::operations::standard_group(catalog.ids(), now, encoder) else { return Ok(()) };
    let mut tx = catalog.begin().await?;
    if !tx.set_setting(TEMPLATES_DONE, &now.to_iso8601()).await? {
        return Ok(());
    }
    tx.add_template_group(&group).await?;
    if tx.default_template_group().await?.is_none() {
        tx.set_default_template_group(&group.id).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use catalog::CatalogUrl;

    use super::*;

    #[tokio::test]
    async fn the_rule_is_made_once_and_stays_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        let (live, now) = (Live::default(), WallTime::from_unix_s(1_772_359_200));
        bootstrap(&catalog, &live, now).await.unwrap();
        let rules = catalog.rules_for_domain("play.localhost").await.unwrap();
        assert_eq!(rules.len(), 1);
        let resolved = catalog.resolve_push("push.localhost").await.unwrap().unwrap();
        assert_eq!(resolved.play_domain, "play.localhost");

        let mut tx = catalog.begin().await.unwrap();
        assert!(tx.delete_rule(&rules[0].key).await.unwrap());
        tx.commit().await.unwrap();
        bootstrap(&catalog, &live, now).await.unwrap();
        assert!(catalog.rules_for_domain("play.localhost").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_first_template_group_is_made_once_when_it_can_be_encoded_and_stays_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        let now = WallTime::from_unix_s(1_772_359_200);
        first_template_group(&catalog, Capabilities::NONE, now).await.unwrap();
        assert!(catalog.template_groups().await.unwrap().is_empty());
        first_template_group(&catalog, Capabilities::default(), now).await.unwrap();
        let groups = catalog.template_groups().await.unwrap();
        let labels: Vec<_> = groups[0].templates.iter().map(|stored| stored.template.definition.as_str()).collect();
        assert_eq!((groups.len(), labels), (1, vec!["LD", "SD", "HD"]));
        assert_eq!(catalog.default_template_group().await.unwrap().as_ref(), Some(&groups[0].id));
        assert!(catalog.delete_template_group(&groups[0].id).await.unwrap());
        first_template_group(&catalog, Capabilities::default(), now).await.unwrap();
        assert!(catalog.template_groups().await.unwrap().is_empty());
    }
}
