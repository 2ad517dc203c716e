//! Which streams are recorded, and how.

use domain::rule::{RecordRule, RuleKey};
use serde_json::Value as Json;
use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx, to_json};
use crate::{Catalog, CatalogError, Listed, Page, Result, Retention, Tx};

/// A rule with what only the wire knows of it.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredRule {
    /// What the recorder needs.
    pub rule: RecordRule,
    /// Parameters that are only told back, as the API defines them.
    pub wire: Json,
    /// When it was added.
    pub created: WallTime,
}

fn stored_of(row: &Row) -> Result<StoredRule> {
    Ok(StoredRule { rule: row.json("rule")?, wire: row.json("wire")?, created: row.time("created")? })
}

fn key_text(key: &RuleKey) -> String {
    format!("{}/{}/{}", key.domain, key.app, key.stream)
}

impl Catalog {
    /// The rule of exactly this key.
    pub async fn rule(&self, key: &RuleKey) -> Result<Option<StoredRule>> {
        let row = Sql::new("SELECT * FROM record_rule WHERE domain = $1 AND app = $2 AND stream = $3")
            .arg(&key.domain)
            .arg(&key.app)
            .arg(&key.stream)
            .row(self)
            .await?;
        row.as_ref().map(stored_of).transpose()
    }

    /// The rules of a domain, oldest first; `app` and `stream` match the key's text exactly.
    pub async fn rules(
        &self,
        domain: &str,
        app: Option<&str>,
        stream: Option<&str>,
        page: Page,
    ) -> Result<Listed<StoredRule>> {
        let narrowed = |sql: Sql| sql.arg(domain).with_some(" AND app = ", app).with_some(" AND stream = ", stream);
        let total =
            narrowed(Sql::new("SELECT COUNT(*) AS total FROM record_rule WHERE domain = $1")).total(self).await?;
        let rows = narrowed(Sql::new("SELECT * FROM record_rule WHERE domain = $1"))
            .text(" ORDER BY created, app, stream")
            .with(" LIMIT ", page.limit())
            .with(" OFFSET ", page.offset())
            .rows(self)
            .await?;
        Ok(Listed { rows: rows.iter().map(stored_of).collect::<Result<_>>()?, total })
    }

    /// All rules of a domain, for [`domain::rule::select`].
    pub async fn rules_for_domain(&self, domain: &str) -> Result<Vec<RecordRule>> {
        let rows = Sql::new("SELECT rule FROM record_rule WHERE domain = $1").arg(domain).rows(self).await?;
        rows.iter().map(|row| row.json("rule")).collect()
    }
}

impl Tx {
    /// Adds a rule. `AlreadyExists` when there is one of the same key.
    pub async fn add_rule(&mut self, stored: &StoredRule) -> Result<()> {
        let key = &stored.rule.key;
        let added = Sql::new(
            "INSERT INTO record_rule (domain, app, stream, rule, wire, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
        )
        .arg(&key.domain)
        .arg(&key.app)
        .arg(&key.stream)
        .arg(to_json(&stored.rule)?)
        .arg(to_json(&stored.wire)?)
        .arg(stored.created)
        .run(self)
        .await?;
        if added == 0 {
            return Err(CatalogError::AlreadyExists { what: "record rule", key: key_text(key) });
        }
        Ok(())
    }

    /// Replaces the rule of the same key; its time of creation stays. `NotFound` when there is none.
    pub async fn update_rule(&mut self, rule: &RecordRule, wire: &Json, now: WallTime) -> Result<()> {
        let key = &rule.key;
        let changed = Sql::new(
            "UPDATE record_rule SET rule = $4, wire = $5, modified = $6 WHERE domain = $1 AND app = $2 AND stream = $3",
        )
        .arg(&key.domain)
        .arg(&key.app)
        .arg(&key.stream)
        .arg(to_json(rule)?)
        .arg(to_json(wire)?)
        .arg(now)
        .run(self)
        .await?;
        if changed == 0 {
            return Err(CatalogError::NotFound { what: "record rule", key: key_text(key) });
        }
        Ok(())
    }

    /// Deletes a rule with its retention. Whether there was one. Recordings that began with it go on with it, and what was
    /// recorded stays.
    pub async fn delete_rule(&mut self, key: &RuleKey) -> Result<bool> {
        self.set_retention(key, Retention::default()).await?;
        let deleted = Sql::new("DELETE FROM record_rule WHERE domain = $1 AND app = $2 AND stream = $3")
            .arg(&key.domain)
            .arg(&key.app)
            .arg(&key.stream)
            .run(self)
            .await?;
        Ok(deleted > 0)
    }
}

in_own_tx! {
    add_rule(stored: &StoredRule) -> ();
    update_rule(rule: &RecordRule, wire: &Json, now: WallTime) -> ();
    delete_rule(key: &RuleKey) -> bool;
}
