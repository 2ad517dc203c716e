//! Signature nonces, so that a signed request works once.

use units::WallTime;

use crate::sql::{Sql, in_own_tx};
use crate::{Result, Tx};

impl Tx {
    /// Remembers a nonce of an access key until `expires`. `false` when it is known already: a replay.
    pub async fn remember_nonce(&mut self, key: &str, nonce: &str, expires: WallTime) -> Result<bool> {
        let added =
            Sql::new("INSERT INTO nonce (key, nonce, expires) VALUES ($1, $2, $3) ON CONFLICT (key, nonce) DO NOTHING")
                .arg(key)
                .arg(nonce)
                .arg(expires)
                .run(self)
                .await?;
        Ok(added > 0)
    }

    /// Forgets nonces that expired before `now`; answers how many.
    pub async fn purge_nonces(&mut self, now: WallTime) -> Result<u64> {
        Sql::new("DELETE FROM nonce WHERE expires < $1").arg(now).run(self).await
    }
}

in_own_tx! {
    remember_nonce(key: &str, nonce: &str, expires: WallTime) -> bool;
    purge_nonces(now: WallTime) -> u64;
}
