//! Who wrote what: the audit log (decision 0039). `audit` is another thing, the check of rows against storage.

use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, Result, Tx};

/// A call of an operation that writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAuditEvent {
    /// The id that its answer has.
    pub request: String,
    /// When it came.
    pub at: WallTime,
    /// With which key it was signed.
    pub access_key: String,
    /// What the owner of the key was then.
    pub role: String,
    /// From which address it came; empty when it came from this process itself.
    pub address: String,
    /// `Live` or `Vod`.
    pub service: String,
    /// The operation.
    pub action: String,
    /// Its parameters as a JSON object, without secrets.
    pub params: String,
}

/// One that was written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEvent {
    /// Its number; later ones have higher ones.
    pub seq: i64,
    /// The call.
    pub call: NewAuditEvent,
    /// `OK`, or the code of its error; `None` while it runs, and for ever when the process ended meanwhile.
    pub code: Option<String>,
}

/// Which ones are wanted; absent fields fit all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditFilter {
    /// Signed with this key.
    pub access_key: Option<String>,
    /// Of this operation.
    pub action: Option<String>,
    /// Whether it was done, or ended with an error (or nobody knows how).
    pub done: Option<bool>,
    /// Came at or after.
    pub from: Option<WallTime>,
    /// Came at or before.
    pub to: Option<WallTime>,
    /// Numbered lower: where the page before ended.
    pub before: Option<i64>,
}

fn event_of(row: &Row) -> Result<AuditEvent> {
    Ok(AuditEvent {
        seq: row.int("seq")?,
        call: NewAuditEvent {
            request: row.text("request")?,
            at: row.time("at")?,
            access_key: row.text("access_key")?,
            role: row.text("role")?,
            address: row.text("address")?,
            service: row.text("service")?,
            action: row.text("action")?,
            params: row.text("params")?,
        },
        code: row.opt_text("code")?,
    })
}

impl Catalog {
    /// What was written down, newest first.
    pub async fn audit_events(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEvent>> {
        let sql = Sql::new("SELECT * FROM audit_event WHERE 1 = 1")
            .with_some(" AND access_key = ", filter.access_key.as_deref())
            .with_some(" AND action = ", filter.action.as_deref())
            .with_some(" AND at >= ", filter.from)
            .with_some(" AND at <= ", filter.to)
            .with_some(" AND seq < ", filter.before);
        let sql = match filter.done {
            Some(true) => sql.text(" AND code = 'OK'"),
            Some(false) => sql.text(" AND (code IS NULL OR code <> 'OK')"),
            None => sql,
        };
        let rows = sql.text(" ORDER BY seq DESC").with(" LIMIT ", limit).rows(self).await?;
        rows.iter().map(event_of).collect()
    }
}

impl Tx {
    /// Writes down that a call came, before it does anything.
    pub async fn begin_audit(&mut self, call: &NewAuditEvent) -> Result<()> {
        Sql::new(
            "INSERT INTO audit_event (request, at, access_key, role, address, service, action, params)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .arg(&call.request)
        .arg(call.at)
        .arg(&call.access_key)
        .arg(&call.role)
        .arg(&call.address)
        .arg(&call.service)
        .arg(&call.action)
        .arg(&call.params)
        .run(self)
        .await?;
        Ok(())
    }

    /// Writes down what became of it.
    pub async fn end_audit(&mut self, request: &str, code: &str) -> Result<()> {
        Sql::new("UPDATE audit_event SET code = $2 WHERE request = $1").arg(request).arg(code).run(self).await?;
        Ok(())
    }
}

in_own_tx! {
    begin_audit(call: &NewAuditEvent) -> ();
    end_audit(request: &str, code: &str) -> ();
}
