//! Accounts at CAs, as they are kept.

use std::fs;

use serde_json::Value;

use super::Folder;
use super::HOST;
use super::look;
use crate::config::Config;
use crate::config::from_text;
use crate::domain::certs::document;
use crate::domain::certs::watchlist::Action;
use crate::domain::certs::watchlist::Input;
use crate::domain::certs::watchlist::Watchlist;
use crate::domain::machine::Machine as _;
use crate::platform::clock;
use crate::workers::acme::state::Folder as AccountFolder;
use crate::workers::acme::state::Status;
use crate::workers::cert_watch::rules;

const DIRECTORY: &str = "https://ca.example/dir";
const OBJECT: &str = "acme account public";

fn automatic(folder: &Folder) -> Config {
    let text = format!(
        r#"
        state-dir = "{}"
        [[acme]]
        name = "public"
        directory = "{DIRECTORY}"
        terms-agreed = true
        challenge = "tls-alpn-01"
        names = ["{HOST}"]
        for = ["edge"]
        [[pool]]
        name = "xsp"
        upstream = [{{ name = "none", url = "http://127.0.0.1:9" }}]
        [[listener]]
        name = "edge"
        addresses = ["127.0.0.1:0"]
        routes = ["xsi-actions"]
        [[listener.host]]
        names = ["{HOST}"]
        certificates = [{{ chain = "{}", key = "file:{}" }}]
        "#,
        folder.path("state"),
        folder.path("edge.pem"),
        folder.path("edge.key"),
    );
    from_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The account as `xspd certs show --offline` has it.
fn shown(config: &Config) -> Option<Value> {
    let mut rules = rules(config);
    rules.lost_after = 1;
    let now = clock::now();
    let mut watchlist = Watchlist::new(rules, now);
    watchlist.handle(Input::Scanned(look(config)), now);
    let mut shown = None;
    while let Some(action) = watchlist.poll_action() {
        if let Action::Publish(board) = action {
            let all = document::board(&board, now.wall);
            let mut all = all["certificates"].as_array().cloned().unwrap_or_default();
            all.retain(|held| held["name"] == OBJECT);
            shown = all.pop();
        }
    }
    shown
}

#[test]
fn an_account_is_listed_once_there_is_one_and_with_the_words_of_a_ca_that_refuses_it() {
    let folder = Folder::new();
    let config = automatic(&folder);
    assert_eq!(shown(&config), None, "never ordered");
    let kept = AccountFolder::new(&config.state_dir, "public");
    let mut status = Status {
        directory: DIRECTORY.to_owned(),
        account: "https://ca.example/account/1".to_owned(),
        account_state: "valid".to_owned(),
        account_since: Some(1_764_331_200),
        ..Status::default()
    };
    kept.keep_status(&status).unwrap();
    let file = "state/acme/public/account.json";
    folder.put(
        file,
        r#"{"url": "https://ca.example/account/1", "key": "AAAA"}"#,
    );
    let well = shown(&config).unwrap();
    assert_eq!(well["kind"], "acme-account");
    assert_eq!(
        (&well["severity"], &well["not-after"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(well["not-before-seconds"], 1_764_331_200);
    assert!(well["remarks"][0].as_str().unwrap().contains("account/1"));

    status.account_state = "it refused (403, unauthorized): closed".to_owned();
    kept.keep_status(&status).unwrap();
    let refused = shown(&config).unwrap();
    assert_eq!(refused["severity"], "medium");
    let problem = &refused["problems"][0];
    assert_eq!(problem["alarm"], "certificateRenewalFailed");
    assert!(
        problem["text"]
            .as_str()
            .unwrap()
            .contains("403, unauthorized")
    );

    for (content, fault) in [("{", "unreadable"), ("", "unreadable")] {
        folder.put(file, content);
        let lost = shown(&config).unwrap();
        assert_eq!(lost["problems"][0]["alarm"], "certificateSourceLost");
        assert_eq!(lost["places"][0]["fault"], fault);
    }
    fs::remove_file(folder.path(file)).unwrap();
    assert_eq!(shown(&config).unwrap()["places"][0]["fault"], "missing");
    // That of another CA is none at this one.
    status.directory = "https://other.example/dir".to_owned();
    kept.keep_status(&status).unwrap();
    assert_eq!(shown(&config), None);
}
