//! Domains, which push domain belongs to which play domain, and their configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx, to_json, words};
use crate::{Catalog, CatalogError, Listed, Page, Result, Search, Tx};

words! {
    /// What a domain is for.
    pub enum DomainKind {
        /// Players ask here; `liveVideo` on the wire.
        Play = "play",
        /// Publishers push here; `liveEdge` on the wire.
        Push = "push",
        /// Players ask here for videos.
        Vod = "vod",
    }
    /// Whether a domain works.
    pub enum DomainStatus {
        /// It does.
        Online = "online",
        /// It was stopped.
        Offline = "offline",
        /// It is being set up.
        Configuring = "configuring",
    }
}

/// Where a customer says that a domain's files come from. It is told back; all comes from this server's own storage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DomainSource {
    /// An address, a host or a bucket.
    pub content: String,
    /// Which of these.
    pub kind: String,
    /// Which comes first.
    pub priority: String,
    /// The port.
    pub port: u16,
    /// How many of the requests it takes.
    pub weight: String,
}

/// A domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Domain {
    /// Its name, lower case.
    pub name: String,
    /// What it is for.
    pub kind: DomainKind,
    /// The region the customer named; nothing depends on it.
    pub region: String,
    /// `domestic`, `overseas` or `global`, or empty; nothing depends on it.
    pub scope: String,
    /// What the customer named as its sources; nothing depends on it.
    pub sources: Vec<DomainSource>,
    /// Whether it works.
    pub status: DomainStatus,
    /// When it was added.
    pub created: WallTime,
    /// When it was last changed.
    pub modified: WallTime,
}

impl Domain {
    /// A domain that works from now on, of which no more is said.
    pub fn new(name: &str, kind: DomainKind, now: WallTime) -> Self {
        Self {
            name: name.to_ascii_lowercase(),
            kind,
            region: String::new(),
            scope: String::new(),
            sources: Vec::new(),
            status: DomainStatus::Online,
            created: now,
            modified: now,
        }
    }
}

/// Which domains are wanted; absent fields fit all.
#[derive(Clone, Debug, Default)]
pub struct DomainFilter {
    /// A name and how it is searched for.
    pub name: Option<(Search, String)>,
    /// What it is for: one of these; of any kind when there are none.
    pub kinds: Vec<DomainKind>,
    /// Whether it works.
    pub status: Option<DomainStatus>,
    /// The region.
    pub region: Option<String>,
}

/// A push domain and the play domain its configuration hangs on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The push domain, lower case.
    pub push_domain: String,
    /// The play domain, lower case.
    pub play_domain: String,
}

/// What the host of a push URL means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedDomain {
    /// The push domain; the play domain itself when it was pushed to directly.
    pub push_domain: String,
    /// The play domain: configuration and events carry this one.
    pub play_domain: String,
}

/// One function of a domain's configuration, such as `aliauth`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DomainConfig {
    /// The domain.
    pub domain: String,
    /// The function's name.
    pub function: String,
    /// Names this configuration, kept over changes.
    pub id: String,
    /// Its arguments by name.
    pub args: BTreeMap<String, String>,
    /// When it was last set.
    pub modified: WallTime,
}

fn domain_of(row: &Row) -> Result<Domain> {
    Ok(Domain {
        name: row.text("name")?,
        kind: row.parsed("kind")?,
        region: row.text("region")?,
        scope: row.text("scope")?,
        sources: row.json("sources")?,
        status: row.parsed("status")?,
        created: row.time("created")?,
        modified: row.time("modified")?,
    })
}

fn config_of(catalog: &Catalog, row: &Row) -> Result<DomainConfig> {
    let (domain, function) = (row.text("domain")?, row.text("function")?);
    Ok(DomainConfig {
        id: row.text("id")?,
        args: catalog.unseal_args(&domain, &function, row.json("args")?)?,
        domain,
        function,
        modified: row.time("modified")?,
    })
}

impl Catalog {
    /// The domain of this name.
    pub async fn domain(&self, name: &str) -> Result<Option<Domain>> {
        let row = Sql::new("SELECT * FROM domain WHERE name = $1").arg(name).row(self).await?;
        row.as_ref().map(domain_of).transpose()
    }

    /// Domains by name.
    pub async fn domains(&self, filter: &DomainFilter, page: Page) -> Result<Listed<Domain>> {
        let narrowed = |sql: Sql| {
            let sql = match &filter.name {
                Some((Search::Exact, name)) => sql.with(" AND name = ", name),
                Some((search, name)) => sql.with(" AND lower(name) LIKE ", search.pattern(name)).text(" ESCAPE '\\'"),
                None => sql,
            };
            let sql = match filter.kinds.as_slice() {
                [] => sql,
                kinds => sql.with_list(" AND kind IN ", kinds.iter().copied()),
            };
            sql.with_some(" AND status = ", filter.status).with_some(" AND region = ", filter.region.as_deref())
        };
        let total = narrowed(Sql::new("SELECT COUNT(*) AS total FROM domain WHERE 1 = 1")).total(self).await?;
        let rows = narrowed(Sql::new("SELECT * FROM domain WHERE 1 = 1"))
            .text(" ORDER BY name")
            .with(" LIMIT ", page.limit())
            .with(" OFFSET ", page.offset())
            .rows(self)
            .await?;
        Ok(Listed { rows: rows.iter().map(domain_of).collect::<Result<_>>()?, total })
    }

    /// The mappings that `name` is a part of, as either.
    pub async fn mappings(&self, name: &str) -> Result<Vec<Mapping>> {
        let rows = Sql::new(
            "SELECT push_domain, play_domain FROM domain_mapping WHERE push_domain = $1 OR play_domain = $1
             ORDER BY push_domain",
        )
        .arg(name)
        .rows(self)
        .await?;
        rows.iter()
            .map(|row| Ok(Mapping { push_domain: row.text("push_domain")?, play_domain: row.text("play_domain")? }))
            .collect()
    }

    /// What the host of a push URL (lower case, no port) means: a mapped push domain, or a play domain. `None` for a host
    /// that is neither, or whose domain is not online.
    pub async fn resolve_push(&self, host: &str) -> Result<Option<ResolvedDomain>> {
        let row = Sql::new(
            "SELECT d.name AS push_domain, COALESCE(m.play_domain, d.name) AS play_domain
             FROM domain d LEFT JOIN domain_mapping m ON m.push_domain = d.name
             LEFT JOIN domain p ON p.name = m.play_domain
             WHERE d.name = $1 AND d.status = 'online'
               AND (p.status = 'online' OR (m.play_domain IS NULL AND d.kind = 'play'))",
        )
        .arg(host)
        .row(self)
        .await?;
        row.map(|row| {
            Ok(ResolvedDomain { push_domain: row.text("push_domain")?, play_domain: row.text("play_domain")? })
        })
        .transpose()
    }

    /// All domains of these kinds, the oldest first, each with its whole configuration.
    pub async fn configured_domains(&self, kinds: &[DomainKind]) -> Result<Vec<(Domain, Vec<DomainConfig>)>> {
        let of_kind = |sql: &'static str| Sql::new(sql).with_list(" WHERE kind IN ", kinds.iter().copied());
        let domains = of_kind("SELECT * FROM domain").text(" ORDER BY created, name").rows(self).await?;
        let domains: Vec<Domain> = domains.iter().map(domain_of).collect::<Result<_>>()?;
        if domains.is_empty() {
            return Ok(Vec::new());
        }
        let configs = of_kind("SELECT * FROM domain_config WHERE domain IN (SELECT name FROM domain");
        let configs = configs.text(") ORDER BY domain, function").rows(self).await?;
        let mut by_domain: BTreeMap<String, Vec<DomainConfig>> = BTreeMap::new();
        for config in &configs {
            let config = config_of(self, config)?;
            by_domain.entry(config.domain.clone()).or_default().push(config);
        }
        let with_configs = |domain: Domain| {
            let configs = by_domain.remove(&domain.name).unwrap_or_default();
            (domain, configs)
        };
        Ok(domains.into_iter().map(with_configs).collect())
    }

    /// The configuration of `domain` for these functions; for all when `functions` is empty. By name.
    pub async fn domain_configs(&self, domain: &str, functions: &[String]) -> Result<Vec<DomainConfig>> {
        let mut sql = Sql::new("SELECT * FROM domain_config WHERE domain = $1").arg(domain);
        if !functions.is_empty() {
            sql = sql.with_list(" AND function IN ", functions);
        }
        let rows = sql.text(" ORDER BY function").rows(self).await?;
        rows.iter().map(|row| config_of(self, row)).collect()
    }
}

impl Tx {
    /// Adds a domain. `AlreadyExists` when there is one of this name.
    pub async fn add_domain(&mut self, domain: &Domain) -> Result<()> {
        let added = Sql::new(
            "INSERT INTO domain (name, kind, region, scope, sources, status, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .arg(&domain.name)
        .arg(domain.kind)
        .arg(&domain.region)
        .arg(&domain.scope)
        .arg(to_json(&domain.sources)?)
        .arg(domain.status)
        .arg(domain.created)
        .arg(domain.modified)
        .run(self)
        .await?;
        if added == 0 {
            return Err(CatalogError::AlreadyExists { what: "domain", key: domain.name.clone() });
        }
        Ok(())
    }

    /// Starts or stops a domain. Whether there is one of this name.
    pub async fn set_domain_status(&mut self, name: &str, status: DomainStatus, now: WallTime) -> Result<bool> {
        let changed = Sql::new("UPDATE domain SET status = $2, modified = $3 WHERE name = $1")
            .arg(name)
            .arg(status)
            .arg(now)
            .run(self)
            .await?;
        Ok(changed > 0)
    }

    /// Deletes a domain with its configuration, rules, callbacks, blocks and mappings. Recordings and assets stay.
    /// Whether there was one of this name.
    pub async fn delete_domain(&mut self, name: &str) -> Result<bool> {
        for sql in [
            "DELETE FROM domain_config WHERE domain = $1",
            "DELETE FROM record_rule WHERE domain = $1",
            "DELETE FROM live_notify WHERE domain = $1",
            "DELETE FROM record_notify WHERE domain = $1",
            "DELETE FROM stream_block WHERE domain = $1",
            "DELETE FROM domain_mapping WHERE push_domain = $1 OR play_domain = $1",
        ] {
            Sql::new(sql).arg(name).run(self).await?;
        }
        Ok(Sql::new("DELETE FROM domain WHERE name = $1").arg(name).run(self).await? > 0)
    }

    /// Ties a push domain to a play domain. `NotFound` when one of them is no such domain, `AlreadyExists` when the push
    /// domain is tied to another; to the same again changes nothing.
    pub async fn add_mapping(&mut self, mapping: &Mapping, now: WallTime) -> Result<()> {
        for (name, kind) in [(&mapping.push_domain, DomainKind::Push), (&mapping.play_domain, DomainKind::Play)] {
            let found = Sql::new("SELECT 1 AS one FROM domain WHERE name = $1 AND kind = $2").arg(name).arg(kind);
            if found.row(&mut *self).await?.is_none() {
                return Err(CatalogError::NotFound { what: "domain", key: name.clone() });
            }
        }
        Sql::new(
            "INSERT INTO domain_mapping (push_domain, play_domain, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .arg(&mapping.push_domain)
        .arg(&mapping.play_domain)
        .arg(now)
        .run(self)
        .await?;
        let same = Sql::new("SELECT 1 AS one FROM domain_mapping WHERE push_domain = $1 AND play_domain = $2")
            .arg(&mapping.push_domain)
            .arg(&mapping.play_domain)
            .row(&mut *self)
            .await?;
        match same {
            Some(_) => Ok(()),
            None => Err(CatalogError::AlreadyExists { what: "mapping of", key: mapping.push_domain.clone() }),
        }
    }

    /// Unties the two. Whether they were tied.
    pub async fn delete_mapping(&mut self, mapping: &Mapping) -> Result<bool> {
        let deleted = Sql::new("DELETE FROM domain_mapping WHERE push_domain = $1 AND play_domain = $2")
            .arg(&mapping.push_domain)
            .arg(&mapping.play_domain)
            .run(self)
            .await?;
        Ok(deleted > 0)
    }

    /// Sets one function of a domain's configuration, replacing its arguments. The domain must exist.
    pub async fn set_domain_config(
        &mut self,
        domain: &str,
        function: &str,
        args: &BTreeMap<String, String>,
        now: WallTime,
    ) -> Result<()> {
        let id = self.ids().request(now).to_string();
        let args = self.catalog.seal_args(domain, function, args)?;
        Sql::new(
            "INSERT INTO domain_config (domain, function, id, args, modified) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (domain, function) DO UPDATE SET args = excluded.args, modified = excluded.modified",
        )
        .arg(domain)
        .arg(function)
        .arg(id)
        .arg(to_json(&args)?)
        .arg(now)
        .run(self)
        .await?;
        Ok(())
    }

    /// Deletes the configuration of a domain that has this id. Whether there was one.
    pub async fn delete_domain_config_of_id(&mut self, domain: &str, id: &str) -> Result<bool> {
        let deleted = Sql::new("DELETE FROM domain_config WHERE domain = $1 AND id = $2").arg(domain).arg(id);
        Ok(deleted.run(self).await? > 0)
    }

    /// Deletes one function of a domain's configuration. Whether it was set.
    pub async fn delete_domain_config(&mut self, domain: &str, function: &str) -> Result<bool> {
        let deleted = Sql::new("DELETE FROM domain_config WHERE domain = $1 AND function = $2")
            .arg(domain)
            .arg(function)
            .run(self)
            .await?;
        Ok(deleted > 0)
    }
}

in_own_tx! {
    add_domain(domain: &Domain) -> ();
    set_domain_status(name: &str, status: DomainStatus, now: WallTime) -> bool;
    delete_domain(name: &str) -> bool;
    add_mapping(mapping: &Mapping, now: WallTime) -> ();
    delete_mapping(mapping: &Mapping) -> bool;
    set_domain_config(domain: &str, function: &str, args: &BTreeMap<String, String>, now: WallTime) -> ();
    delete_domain_config(domain: &str, function: &str) -> bool;
    delete_domain_config_of_id(domain: &str, id: &str) -> bool;
}
