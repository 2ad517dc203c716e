//! Rows: SQLite or PostgreSQL, migrations, outbox.
