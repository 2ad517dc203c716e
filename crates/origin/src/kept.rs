//! Caches that fill themselves.

use std::hash::Hash;
use std::sync::Arc;

use moka::future::Cache;

use crate::error::{OriginError, Result};

/// What is kept under `key`, or else what `make` makes, once for all who ask meanwhile. Errors are not kept.
pub(crate) async fn kept<K, V, F>(cache: &Cache<K, V>, key: K, make: impl FnOnce() -> F + Send) -> Result<V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<V>> + Send,
{
    // Most often it is there, and then nothing is made ready to make it.
    if let Some(value) = cache.get(&key).await {
        return Ok(value);
    }
    cache.try_get_with(key, make()).await.map_err(|error: Arc<OriginError>| (*error).clone())
}
