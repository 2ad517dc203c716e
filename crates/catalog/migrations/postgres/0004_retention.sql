-- How long, and how much of it, the videos of a record rule are kept; a rule without a row keeps all.
CREATE TABLE retention (
    domain TEXT COLLATE "C" NOT NULL,
    app TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    days BIGINT,
    quota_bytes BIGINT,
    PRIMARY KEY (domain, app, stream)
);

CREATE TRIGGER record_notify_stale AFTER INSERT OR UPDATE OR DELETE ON record_notify
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();
CREATE TRIGGER retention_stale AFTER INSERT OR UPDATE OR DELETE ON retention
    FOR EACH STATEMENT EXECUTE FUNCTION stale_catalog();

-- Described since it is kept in tables of its own.
DELETE FROM stale WHERE kind = 'catalog';
INSERT INTO stale (kind, id) VALUES ('catalog', '');
