//! Finding and managing what was recorded: categories, batches, search.

mod support;

use catalog::AssetStatus;
use serde_json::{Value, json};
use support::{Server, VOD, now};

const UNKNOWN: &str = "00000000000000000000000000000001";

async fn category(server: &Server, parent: &str, name: &str) -> String {
    let told = server.ok(VOD, "AddCategory", &[("CateName", name), ("ParentId", parent)]).await;
    told["Category"]["CateId"].to_string()
}

#[tokio::test]
async fn applications_are_made_and_listed_behind_the_one_that_nobody_made() {
    let server = Server::new().await;
    let default =
        json!({"AppId": "app-1000000", "AppName": "default", "Description": "", "Status": "Normal", "Type": "System"});
    assert_eq!(server.ok(VOD, "ListAppInfo", &[]).await, json!({"AppInfoList": [default], "Total": 1}));
    let cup = server.ok(VOD, "CreateAppInfo", &[("AppName", " 決勝 "), ("Description", "of the cup")]).await;
    assert_eq!(cup, json!({"AppId": "app-1000001"}));
    server.ok(VOD, "CreateAppInfo", &[("AppName", "league")]).await;

    let told = server.ok(VOD, "ListAppInfo", &[("PageNo", "2"), ("PageSize", "1"), ("Status", "Normal")]).await;
    assert_eq!(told["Total"], 3);
    let [cup] = told["AppInfoList"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&cup["AppId"], &cup["AppName"]), (&json!("app-1000001"), &json!("決勝")));
    assert_eq!((&cup["Description"], &cup["Type"]), (&json!("of the cup"), &json!("Custom")));
    assert!(cup["CreationTime"].is_string() && cup["ModificationTime"] == cup["CreationTime"]);
    let none = json!({"AppInfoList": [], "Total": 0});
    assert_eq!(server.ok(VOD, "ListAppInfo", &[("Status", "Disable")]).await, none);
    let told = server.ok(VOD, "GetAppInfos", &[("AppIds", "app-1000003,app-1000001, app-1000000")]).await;
    assert_eq!(told, json!({"AppInfoList": [default, cup], "NonExistAppIds": ["app-1000003"]}));

    let refused = async |params: &[(&str, &str)]| server.refused(VOD, "CreateAppInfo", params).await;
    assert_eq!(refused(&[("AppName", " ")]).await, (400, "MissingParameter".into()));
    assert_eq!(refused(&[("AppName", &"中".repeat(43))]).await, (400, "LengthExceededMax".into()));
    assert_eq!(refused(&[("AppName", "a\u{7}")]).await, (400, "IllegalCharacters".into()));
    for n in 3..=100 {
        server.ok(VOD, "CreateAppInfo", &[("AppName", &n.to_string())]).await;
    }
    assert_eq!(refused(&[("AppName", "one more")]).await, (400, "AppInfoExceededMax".into()));
    let eleven = ["app-1000000"; 11].join(",");
    let refused = server.refused(VOD, "GetAppInfos", &[("AppIds", &eleven)]).await;
    assert_eq!(refused, (400, "InvalidParameter".into()));
}

#[tokio::test]
async fn categories_are_added_listed_renamed_and_deleted_with_all_that_lie_in_them() {
    let server = Server::new().await;
    let told = server.ok(VOD, "AddCategory", &[("CateName", " finals "), ("Type", "material")]).await;
    let cup = told["Category"]["CateId"].clone();
    let finals = json!({"CateId": cup, "CateName": "finals", "Level": 0, "ParentId": -1, "Type": "material"});
    assert_eq!(told, json!({"Category": finals}));
    assert!(cup.is_i64());
    let cup = cup.to_string();
    let day = category(&server, &cup, "第一天").await;
    let game = category(&server, &day, "game").await;
    let too_deep = server.refused(VOD, "AddCategory", &[("CateName", "x"), ("ParentId", &game)]).await;
    assert_eq!(too_deep, (400, "LevelExceededMax".into()));

    let root = json!({"SubCategories": {"Category": [{
        "CateId": finals["CateId"], "CateName": "finals", "Level": 0, "ParentId": -1, "Type": "material", "SubTotal": 1,
    }]}, "SubTotal": 1});
    assert_eq!(server.ok(VOD, "GetCategories", &[]).await, root);
    assert_eq!(server.ok(VOD, "GetCategories", &[("CateId", "-1"), ("SortBy", "CreationTime:Asc")]).await, root);
    let nothing = json!({"SubCategories": {"Category": []}, "SubTotal": 0});
    assert_eq!(server.ok(VOD, "GetCategories", &[("Type", "default")]).await, nothing);
    server.ok(VOD, "UpdateCategory", &[("CateId", &day), ("CateName", "day one")]).await;
    let told = server.ok(VOD, "GetCategories", &[("CateId", &cup), ("PageSize", "100")]).await;
    assert_eq!(told["Category"], finals);
    let sub = &told["SubCategories"]["Category"][0];
    assert_eq!((&sub["CateName"], &sub["Level"], &sub["SubTotal"]), (&json!("day one"), &json!(1), &json!(1)));

    server.ok(VOD, "DeleteCategory", &[("CateId", &cup)]).await;
    for id in [&cup, &day, &game] {
        for (action, more) in
            [("DeleteCategory", None), ("GetCategories", None), ("UpdateCategory", Some(("CateName", "x")))]
        {
            let params: Vec<_> = [("CateId", id.as_str())].into_iter().chain(more).collect();
            assert_eq!(server.refused(VOD, action, &params).await, (404, "InvalidCateId.NotFound".into()), "{action}");
        }
    }
}

#[tokio::test]
async fn categories_have_limits() {
    let server = Server::new().await;
    let long = "名".repeat(22);
    for (params, code) in [
        (vec![("CateName", "")], "MissingParameter"),
        (vec![("CateName", " ")], "MissingParameter"),
        (vec![("CateName", long.as_str())], "LengthExceededMax"),
        (vec![("CateName", "a\0b")], "IllegalCharacters"),
        (vec![("CateName", "x"), ("Type", "nice")], "InvalidParameter"),
        (vec![("CateName", "x"), ("ParentId", "many")], "InvalidParameter"),
    ] {
        assert_eq!(server.refused(VOD, "AddCategory", &params).await, (400, code.into()), "{params:?}");
    }
    let nobody = server.refused(VOD, "AddCategory", &[("CateName", "x"), ("ParentId", "9")]).await;
    assert_eq!(nobody, (404, "InvalidCateId.NotFound".into()));
    for n in 0..100 {
        category(&server, "-1", &format!("c{n}")).await;
    }
    let full = server.refused(VOD, "AddCategory", &[("CateName", "x")]).await;
    assert_eq!(full, (400, "SubTotalExceededMax".into()));
    let last =
        server.ok(VOD, "GetCategories", &[("PageNo", "10"), ("PageSize", "10"), ("SortBy", "CreationTime:asc")]).await;
    let names: Vec<_> = last["SubCategories"]["Category"].as_array().unwrap().iter().map(|c| &c["CateName"]).collect();
    assert_eq!((names.len(), names[9], &last["SubTotal"]), (10, &json!("c99"), &json!(100)));
}

#[tokio::test]
async fn videos_are_told_and_listed_by_their_category() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    server.recorded("cup", "court2", AssetStatus::Normal).await;
    let cup = category(&server, "-1", "cup 2026").await;
    server.ok(VOD, "UpdateVideoInfo", &[("VideoId", &video), ("CateId", &cup)]).await;
    let id: i64 = cup.parse().unwrap();
    let told = async || {
        let info = server.ok(VOD, "GetVideoInfo", &[("VideoId", &video)]).await["Video"].take();
        let infos = server.ok(VOD, "GetVideoInfos", &[("VideoIds", &video)]).await["VideoList"][0].take();
        let media =
            server.ok(VOD, "BatchGetMediaInfos", &[("MediaIds", &video)]).await["MediaInfos"][0]["MediaInfo"].take();
        let mut live = server.ok(VOD, "ListLiveRecordVideo", &[("StreamName", "court1")]).await;
        let live = live["LiveRecordVideoList"]["LiveRecordVideo"][0]["Video"].take();
        [info, infos, media, live].map(|told| (told.get("CateId").cloned(), told.get("CateName").cloned()))
    };
    let listed = async || {
        let list = server.ok(VOD, "GetVideoList", &[("CateId", &cup)]).await;
        (list["Total"].clone(), list["VideoList"]["Video"].as_array().unwrap().len())
    };
    assert_eq!(told().await, std::array::from_fn(|_| (Some(json!(id)), Some(json!("cup 2026")))));
    assert_eq!(listed().await, (json!(1), 1));
    server.ok(VOD, "DeleteCategory", &[("CateId", &cup)]).await;
    assert_eq!(told().await, [const { (None, None) }; 4]);
    assert_eq!(listed().await, (json!(0), 0));
    // -1 takes a video out.
    let other = category(&server, "-1", "other").await;
    for (category, there) in [(other.as_str(), true), ("-1", false)] {
        server.ok(VOD, "UpdateVideoInfo", &[("VideoId", &video), ("CateId", category)]).await;
        assert_eq!(told().await[0].0.is_some(), there);
    }
}

#[tokio::test]
async fn many_videos_are_written_on_at_once() {
    let server = Server::new().await;
    let first = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let second = server.recorded("cup", "court2", AssetStatus::Normal).await.to_string();
    server.ok(VOD, "UpdateVideoInfo", &[("VideoId", &second), ("ReferenceId", "ref-000002")]).await;
    let cup: i64 = category(&server, "-1", "cup").await.parse().unwrap();
    let content = json!([
        {"VideoId": first, "Title": "Final 決勝", "Tags": "a, b", "CateId": cup, "CoverURL": "http://img.example.org/1.jpg"},
        {"ReferenceId": "ref-000002", "Description": "second", "CateId": cup.to_string(), "UserData": "{}"},
        {"VideoId": UNKNOWN, "Title": "nobody's"},
        {"VideoId": "", "ReferenceId": "ref-none", "Title": "nobody's"},
        {"VideoId": first, "Title": "again", "Other": 1},
    ]);
    let told = server.ok(VOD, "UpdateVideoInfos", &[("UpdateContent", &content.to_string())]).await;
    let nobodys = json!({"ForbiddenVideoIds": [], "NonExistVideoIds": [UNKNOWN], "NonExistReferenceIds": ["ref-none"]});
    assert_eq!(told, nobodys);
    let ids = format!("{first},{second}");
    let infos = server.ok(VOD, "GetVideoInfos", &[("VideoIds", &ids)]).await["VideoList"].take();
    for (at, name, value) in [
        (0, "Title", json!("again")),
        (0, "Tags", json!("a,b")),
        (0, "CateName", json!("cup")),
        (0, "CoverURL", json!("http://img.example.org/1.jpg")),
        (1, "Description", json!("second")),
        (1, "CateId", json!(cup)),
        (1, "UserData", json!("{}")),
        (1, "ReferenceId", json!("ref-000002")),
    ] {
        assert_eq!(infos[at][name], value, "{at} {name}");
    }

    let refused = async |content: Value| {
        server.refused(VOD, "UpdateVideoInfos", &[("UpdateContent", &content.to_string())]).await
    };
    let many: Vec<_> = (0..21).map(|_| json!({"VideoId": first, "Title": "x"})).collect();
    assert_eq!(refused(json!(many)).await, (400, "CountExceededMax".into()));
    assert_eq!(refused(json!([{"Title": "x"}])).await, (400, "MissingParameter".into()));
    assert_eq!(refused(json!([{"VideoId": first, "CateId": {}}])).await, (400, "InvalidParameter".into()));
    assert_eq!(refused(json!({"VideoId": first})).await, (400, "InvalidParameter".into()));
    // Another video's own id: nothing of the batch is written.
    let taken = json!([{"VideoId": first, "Title": "lost"}, {"VideoId": first, "ReferenceId": "ref-000002"}]);
    assert_eq!(refused(taken).await, (400, "InvalidParameter".into()));
    assert_eq!(server.ok(VOD, "GetVideoInfo", &[("VideoId", &first)]).await["Video"]["Title"], json!("again"));
}

#[tokio::test]
async fn a_batch_tells_what_is_written_on_videos_their_source_and_their_streams() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let stored = server.recorded("cup", "court2", AssetStatus::UploadSucc).await.to_string();
    let time = now().to_iso8601();
    let ids = format!("{video},{stored},{UNKNOWN}");
    let told = server.ok(VOD, "BatchGetMediaInfos", &[("MediaIds", &ids), ("ReferenceIds", "ref-none")]).await;
    assert_eq!(
        (&told["NonExistMediaIds"], &told["NonExistReferenceIds"], &told["ForbiddenMediaIds"]),
        (&json!([UNKNOWN]), &json!(["ref-none"]), &json!([]))
    );
    let first = &told["MediaInfos"][0];
    assert_eq!(first["MediaId"], json!(video));
    let info = json!({
        "MediaId": video, "Title": format!("court1_{time}"), "Status": "Normal", "AppId": "app-1000000", "DownloadSwitch": "on",
        "CreationTime": time, "ModificationTime": time, "StorageClass": "Standard", "StorageLocation": "local",
        "Snapshots": [], "TemplateGroupId": "VOD_NO_TRANSCODE",
    });
    assert_eq!(first["MediaInfo"], info);
    // The same as the operations that tell one part of it.
    let mut source = server.ok(VOD, "GetMezzanineInfo", &[("VideoId", &video), ("AdditionType", "video,audio")]).await
        ["Mezzanine"]
        .take();
    let members = source.as_object_mut().unwrap();
    for other in ["OutputType", "StorageClass", "VideoId"] {
        members.remove(other).unwrap();
    }
    members.insert("MediaId".into(), json!(video));
    assert_eq!(first["MezzanineInfo"], source);
    assert_eq!(source["VideoStreamList"].as_array().unwrap().len(), 1);
    let streams = server.ok(VOD, "GetPlayInfo", &[("VideoId", &video)]).await["PlayInfoList"]["PlayInfo"].take();
    assert_eq!(first["PlayInfoList"], streams);
    let second = &told["MediaInfos"][1];
    assert_eq!((&second["MediaId"], &second["PlayInfoList"]), (&json!(stored), &json!([])));
    let nobody = server.refused(VOD, "BatchGetMediaInfos", &[("MediaIds", UNKNOWN)]).await;
    assert_eq!(nobody, (404, "InvalidVideo.NotFound".into()));
}

/// The ids of what is found, and how many there are.
async fn found(server: &Server, params: &[(&str, &str)]) -> (Vec<String>, u64) {
    let told = server.ok(VOD, "SearchMedia", params).await;
    let ids = told["MediaList"].as_array().unwrap().iter().map(|media| media["MediaId"].as_str().unwrap().to_owned());
    (ids.collect(), told["Total"].as_u64().unwrap())
}

#[tokio::test]
async fn a_search_tells_of_each_medium_what_is_asked_for() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let cup = category(&server, "-1", "cup").await;
    server
        .ok(VOD, "UpdateVideoInfo", &[("VideoId", &video), ("CateId", &cup), ("Tags", "a,b"), ("Description", "d")])
        .await;
    let time = now().to_iso8601();
    let mut told = server.ok(VOD, "SearchMedia", &[]).await;
    assert_eq!(told["ScrollToken"].take().as_str().unwrap().len(), 32);
    let bare = json!({"MediaId": video, "MediaType": "video", "CreationTime": time});
    assert_eq!(told, json!({"MediaList": [bare], "ScrollToken": null, "Total": 1}));
    let told = server.ok(VOD, "SearchMedia", &[("Fields", "title,CateName,AiData,NoSuchField")]).await;
    let some = json!({"VideoId": video, "Title": format!("court1_{time}"), "CateName": "cup"});
    assert_eq!(told["MediaList"][0]["Video"], some);
    let fields = "AppId,CateId,CateName,CoverURL,CreationTime,Description,DownloadSwitch,Duration,MediaSource,ModificationTime,\
        PreprocessStatus,ReferenceId,RestoreStatus,Size,Snapshots,SpriteSnapshots,Status,StorageClass,StorageLocation,Tags,Title,\
        TranscodeMode,VideoId";
    let told = server.ok(VOD, "SearchMedia", &[("Fields", fields), ("SearchType", "audio, video")]).await;
    let all = json!({
        "VideoId": video, "Title": format!("court1_{time}"), "Status": "Normal", "Duration": 20.04, "Size": 5_250_000,
        "AppId": "app-1000000", "CreationTime": time, "ModificationTime": time, "StorageClass": "Standard", "StorageLocation": "local",
        "CateId": cup.parse::<i64>().unwrap(), "CateName": "cup", "Tags": "a,b", "Description": "d", "Snapshots": [],
        "MediaSource": "live", "TranscodeMode": "NoTranscode", "PreprocessStatus": "UnPreprocess", "DownloadSwitch": "on",
    });
    assert_eq!(told["MediaList"][0]["Video"], all);
    let nothing = json!({"MediaList": [], "Total": 0});
    assert_eq!(server.ok(VOD, "SearchMedia", &[("SearchType", "audio,image,attached")]).await, nothing);
}

#[tokio::test]
async fn a_match_finds_what_it_says() {
    let server = Server::new().await;
    let first = server.recorded("cup", "Court1", AssetStatus::Normal).await.to_string();
    let second = server.recorded("cup", "court2", AssetStatus::UploadSucc).await.to_string();
    let cup = category(&server, "-1", "cup").await;
    server
        .ok(
            VOD,
            "UpdateVideoInfo",
            &[("VideoId", &second), ("CateId", &cup), ("Title", "Final 決勝"), ("Tags", "Rain,cup")],
        )
        .await;
    let (one, two, both, none) = (vec![&first], vec![&second], vec![&first, &second], vec![]);
    for (wanted, ids) in [
        ("", &both),
        ("Status = 'Normal'", &one),
        ("Status in ('Normal','UploadSucc')", &both),
        ("Status in ('Nice')", &none),
        ("MediaSource in ('live')", &both),
        ("MediaSource in ('general','editing')", &none),
        ("MediaSource in ('short_video')", &none),
        ("AppId in ('app-1000000','other')", &both),
        ("AppId = 'other'", &none),
        ("StorageLocation = 'local'", &both),
        ("PreprocessStatus in ('Preprocessed')", &none),
        ("PreprocessStatus in ('UnPreprocess')", &both),
        ("Title = 'COURT1'", &one),
        ("Title in ('決勝', 'nobody')", &two),
        ("(Title in ('court1') or Tags in ('RAIN'))", &both),
        ("Title in ('court1') and Tags in ('rain')", &none),
        ("Description = 'cup'", &none),
        (&format!("VideoId = '{second}'"), &two),
        (&format!("VideoId in ('{second}','{first}','nonsense')"), &both),
        (&format!("CateId = {cup}"), &two),
        (&format!("CateId = '{cup}' and Status = 'Normal'"), &none),
        // Told as 20.04 s, 5250000 bytes, made and changed at 16:22:43.
        ("Duration = [20.04,20.04]", &both),
        ("Duration = (20.04,30]", &none),
        ("Duration = [0,20.04)", &none),
        ("Duration = (20.0399,20.0401)", &both),
        ("Size = [5250000,5250000]", &both),
        ("Size = (5250000,'6000000')", &none),
        ("Size = (0,5250000)", &none),
        ("CreationTime = ['2026-11-22T16:22:43Z','2026-11-22T16:22:43Z']", &both),
        ("CreationTime = ('2026-11-22T16:22:43Z','2026-12-22T16:22:43Z')", &none),
        ("CreationTime = ('2026-11-01T00:00:00Z','2026-11-22T16:22:43Z')", &none),
        ("ModificationTime = ('2026-11-22T16:22:42Z','2026-11-22T16:22:44Z')", &both),
    ] {
        let (mut told, total) = found(&server, &[("Match", wanted)]).await;
        told.sort();
        let mut ids: Vec<_> = ids.iter().map(|id| (*id).clone()).collect();
        ids.sort();
        assert_eq!((told.len() as u64, told), (total, ids), "{wanted}");
    }
}

#[tokio::test]
async fn a_match_that_cannot_be_read_is_refused_with_the_place() {
    let server = Server::new().await;
    let (status, answer) = server.call(VOD, "SearchMedia", &[("Match", "Status in ('Normal') or Title = 'a'")]).await;
    assert_eq!((status, answer["Code"].as_str()), (400, Some("ErrorMatchSyntax")));
    let message =
        "Match, character 22: \"and\" or the end (\"or\" stands in round brackets) is wanted, not \"or Title = 'a'\".";
    assert_eq!(answer["Message"], json!(message));
    let many = format!("VideoId in ({})", vec!["'a'"; 101].join(","));
    for wanted in ["Name = 'a'", "Size = 7", "CreationTime = ('yesterday','today')", "Title = 'a", &many] {
        assert_eq!(
            server.refused(VOD, "SearchMedia", &[("Match", wanted)]).await,
            (400, "ErrorMatchSyntax".into()),
            "{wanted}"
        );
        // Whatever is searched.
        let audio = [("Match", wanted), ("SearchType", "audio")];
        assert_eq!(server.refused(VOD, "SearchMedia", &audio).await, (400, "ErrorMatchSyntax".into()), "{wanted}");
    }
    for (name, value, code) in [
        ("SortBy", "CreationTime,ModificationTime:Asc,CreationTime:Asc,ModificationTime", "SortByExceededMax"),
        ("SortBy", "Size:Asc", "InvalidParameter"),
        ("SortBy", "CreationTime:up", "InvalidParameter"),
        ("PageSize", "101", "InvalidParameter"),
        ("PageNo", "201", "InvalidParameter"),
        ("SearchType", "film", "InvalidParameter"),
        ("ScrollToken", "nonsense", "InvalidScrollToken.Expired"),
        ("ScrollToken", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "InvalidScrollToken.Expired"),
    ] {
        assert_eq!(server.refused(VOD, "SearchMedia", &[(name, value)]).await, (400, code.into()), "{name} {value}");
    }
}

#[tokio::test]
async fn a_search_goes_on_from_page_to_page_by_its_token() {
    let server = Server::new().await;
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(server.recorded("cup", &format!("court{n}"), AssetStatus::Normal).await.to_string());
    }
    // All were made in the same moment: by id.
    ids.sort();
    let search =
        [("Match", "Title = 'court'"), ("SortBy", "CreationTime:Asc, ModificationTime:Asc"), ("PageSize", "3")];
    let with = |more: &[(&'static str, String)]| -> Vec<(&'static str, String)> {
        search.iter().map(|(name, value)| (*name, (*value).to_owned())).chain(more.iter().cloned()).collect()
    };
    let call = async |params: Vec<(&'static str, String)>| {
        let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let told = server.ok(VOD, "SearchMedia", &params).await;
        let (listed, total) = found(&server, &params).await;
        assert_eq!(total, 7);
        (listed, told.get("ScrollToken").map(|token| token.as_str().unwrap().to_owned()))
    };
    let (page, token) = call(with(&[])).await;
    assert_eq!(page, ids[..3]);
    // The number of the page may be as high as it likes then.
    let (page, next) = call(with(&[("ScrollToken", token.clone().unwrap()), ("PageNo", "201".into())])).await;
    assert_eq!(page, ids[3..6]);
    let (page, next) = call(with(&[("ScrollToken", next.unwrap())])).await;
    assert_eq!(page, ids[6..]);
    assert_eq!(call(with(&[("ScrollToken", next.unwrap())])).await, (vec![], None));
    // Pages by number tell the same.
    assert_eq!(call(with(&[("PageNo", "2".into())])).await.0, ids[3..6]);
    assert_eq!(call(with(&[("PageNo", "200".into())])).await, (vec![], None));
    // A token is of the search it came from, however that is written.
    let token = token.unwrap();
    let same = [
        ("ScrollToken", token.as_str()),
        ("Match", "TITLE in ( 'court')"),
        ("SortBy", "creationtime:asc,modificationtime:asc"),
    ];
    assert_eq!(found(&server, &same).await.0, ids[3..]);
    for other in [("Match", "Title = 'Court'"), ("SortBy", "CreationTime:Desc")] {
        let params = [("ScrollToken", token.as_str()), same[1], same[2]]
            .map(|param| if param.0 == other.0 { other } else { param });
        assert_eq!(
            server.refused(VOD, "SearchMedia", &params).await,
            (400, "InvalidScrollToken.Expired".into()),
            "{other:?}"
        );
    }
}
