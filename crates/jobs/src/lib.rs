//! Durable queue on the catalog: lease, retry, idempotency key.
