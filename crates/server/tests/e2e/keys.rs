//! Access keys from the command line, and the master key under which secrets are kept.

use testkit::api::Api;
use testkit::server::Server;

use crate::support::{PLAY_DOMAIN, reprise};
use crate::upkeep::run_with;

const ROOT: [(&str, &str); 2] =
    [("REPRISE_AUTH__ACCESS_KEY_ID", "testkit-id"), ("REPRISE_AUTH__ACCESS_KEY_SECRET", "testkit-secret")];

async fn key(server: &Server, words: &[&str]) -> String {
    let (status, text) = run_with(server, &[&["key"], words].concat(), &ROOT).await;
    assert_eq!(status, 0, "{text}");
    text
}

/// The pair that `key create` prints.
fn pair(text: &str) -> (String, String) {
    let line = text.lines().find_map(|line| line.strip_prefix("access key")).unwrap_or_else(|| panic!("{text}"));
    let (id, secret) = line.trim().split_once(' ').unwrap();
    (id.to_owned(), secret.to_owned())
}

#[tokio::test]
async fn keys_are_made_and_disabled_from_the_command_line_beside_a_server_and_without_one() {
    let mut server = Server::start(reprise()).await.unwrap();
    let (id, secret) = pair(&key(&server, &["create", "--role", "viewer", "--name", "wall"]).await);
    let viewer = Api::new(&server.http_url(""), &id, &secret);
    viewer.vod("GetVideoList", &[]).await.unwrap();
    let refused = viewer.vod("AddCategory", &[("CateName", "a")]).await.unwrap_err().to_string();
    assert!(refused.contains("Forbidden.RAM"), "{refused}");
    key(&server, &["disable", &id]).await;
    let refused = viewer.vod("GetVideoList", &[]).await.unwrap_err().to_string();
    assert!(refused.contains("InvalidAccessKeyId.Inactive"), "{refused}");

    server.stop().await.unwrap();
    key(&server, &["enable", &id]).await;
    let (operator, operators) = pair(&key(&server, &["create", "--role", "operator"]).await);
    let listed = key(&server, &["list"]).await;
    assert!(listed.contains(&id) && listed.contains(&operator) && !listed.contains(&secret), "{listed}");
    server.restart().await.unwrap();
    viewer.vod("GetVideoList", &[]).await.unwrap();
    Api::new(&server.http_url(""), &operator, &operators).vod("AddCategory", &[("CateName", "a")]).await.unwrap();
    key(&server, &["delete", &id]).await;
    let (status, text) = run_with(&server, &["key", "delete", &id], &ROOT).await;
    assert!(status == 1 && text.contains("EntityNotExist.User.AccessKey"), "{text}");
    // The root key of another configuration is none.
    let (status, text) = run_with(&server, &["key", "list"], &[]).await;
    assert!(status == 1 && text.contains("there is no root key here"), "{text}");

    let told = server.api().vod("ListAuditEvents", &[("UserAccessKeyId", "testkit-id")]).await.unwrap();
    let events = told["AuditEventList"].as_array().unwrap();
    let count = |name: &str| events.iter().filter(|event| event["EventName"] == name).count();
    assert_eq!((count("CreateAccessKey"), count("UpdateAccessKey"), count("DeleteAccessKey")), (2, 2, 2));
    assert!(!server.log().contains(&secret) && !server.log().contains(&operators));
}

#[tokio::test]
async fn secrets_are_sealed_on_disk_and_a_start_without_their_key_says_what_is_missing() {
    const HIDDEN: &str = "Hidden0Secret012345";
    let mut server = Server::start(reprise()).await.unwrap();
    let callback = [("CallbackURL", "http://127.0.0.1:9/"), ("EventTypeList", "ALL"), ("AuthKey", HIDDEN)];
    server.api().vod("SetMessageCallback", &callback).await.unwrap();
    let functions = format!(
        r#"[{{"functionName":"aliauth","functionArgs":[{{"argName":"auth_type","argValue":"type_a"}},
            {{"argName":"auth_key1","argValue":"{HIDDEN}"}}]}}]"#
    );
    let config = [("DomainNames", PLAY_DOMAIN), ("Functions", functions.as_str())];
    server.api().live("BatchSetLiveDomainConfigs", &config).await.unwrap();
    server.stop().await.unwrap();
    let mut files = vec![server.data()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(HIDDEN.len()).any(|window| window == HIDDEN.as_bytes());
            assert!(!found, "{} has the secret", path.display());
        }
    }

    let (kept, away) = (server.data().join("secret.key"), server.data().join("secret.key.away"));
    std::fs::rename(&kept, &away).unwrap();
    let said = format!("{:#}", server.restart().await.unwrap_err());
    assert!(said.contains("the master key is not here: put the secret.key of this installation at"), "{said}");
    assert!(!kept.exists());
    std::fs::write(&kept, "a".repeat(64)).unwrap();
    let said = format!("{:#}", server.restart().await.unwrap_err());
    assert!(said.contains("sealed under another master key"), "{said}");
    std::fs::rename(&away, &kept).unwrap();
    let (status, text) = run_with(&server, &["key", "replace-secrets"], &ROOT).await;
    assert!(status == 1 && text.contains("the master key is not lost"), "{text}");
    server.restart().await.unwrap();
    let told = server.api().vod("GetMessageCallback", &[]).await.unwrap();
    assert_eq!(told["MessageCallback"]["AuthKey"], HIDDEN);

    server.stop().await.unwrap();
    std::fs::remove_file(&kept).unwrap();
    let text = key(&server, &["replace-secrets"]).await;
    assert!(text.contains("2 secrets were lost"), "{text}");
    server.restart().await.unwrap();
    let told = server.api().vod("GetMessageCallback", &[]).await.unwrap();
    let drawn = told["MessageCallback"]["AuthKey"].as_str().unwrap();
    assert!(drawn.len() == 32 && drawn != HIDDEN, "{drawn}");
}
