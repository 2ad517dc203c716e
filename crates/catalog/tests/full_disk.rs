//! A catalog that could not write goes on as soon as it can.

use catalog::sql::Sql;
use catalog::{Catalog, CatalogUrl};

#[tokio::test]
async fn a_full_disk_is_survived_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
    catalog.migrate().await.unwrap();
    // The least that SQLite takes is what is there already: no page more.
    let mut tx = catalog.begin().await.unwrap();
    Sql::new("PRAGMA max_page_count = 1").rows(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = catalog.begin().await.unwrap();
    let error = tx.set_setting("large", &"x".repeat(1 << 20)).await.unwrap_err();
    assert!(error.to_string().contains("full") || format!("{error:?}").contains("full"), "{error:?}");
    drop(tx);

    let mut tx = catalog.begin().await.unwrap();
    assert!(tx.set_setting("small", "x").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(catalog.setting("small").await.unwrap().as_deref(), Some("x"));
    assert_eq!(catalog.setting("large").await.unwrap(), None);
}
