//! What the configuration names is watched, and what renews itself by its own dates.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Folder;
use super::HOST;
use super::config;
use crate::config::Config;
use crate::config::Environment;
use crate::config::NamedFiles;
use crate::config::load_with;
use crate::domain::certs::date;
use crate::workers::acme::state::Folder as AcmeFolder;
use crate::workers::acme::state::Status;
use crate::workers::cert_watch::entries;
use crate::workers::cert_watch::entries::Source;

/// The configuration that is shipped, with all of its examples, and its text.
fn shipped(folder: &Folder) -> (Config, String) {
    let written = include_str!("../../../../config/xspd.toml");
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(": ") => rest[2..].to_owned(),
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            let is_other = rest.starts_with("or: ");
            if is_other { line } else { rest }.to_owned()
        }
        Some(_) | None => line.to_owned(),
    };
    let text: Vec<_> = written.lines().map(line).collect();
    let text = text.join("\n");
    folder.put("xspd.toml", &text);
    let path = folder.path("xspd.toml");
    let environment = Environment::default();
    let loaded = load_with(Path::new(&path), &environment, NamedFiles::Skip);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems:#?}"));
    (loaded.config, text)
}

#[test]
fn every_ca_and_every_certificate_of_a_client_is_watched() {
    let folder = Folder::new();
    let (config, text) = shipped(&folder);
    let entries = entries::entries(&config);
    let files = entries.iter().filter_map(|entry| match &entry.source {
        Source::Anchors(path) => Some(path.display().to_string()),
        Source::Chain(files) => Some(files.chain.display().to_string()),
        _ => None,
    });
    let watched: BTreeSet<String> = files.collect();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let named = lines.filter_map(|line| {
        let is_it = line.starts_with("ca = \"") || line.starts_with("client-certificate = ");
        line.split('"').nth(1).filter(|_| is_it)
    });
    let named: BTreeSet<String> = named.map(str::to_owned).collect();
    assert!(named.len() > 10, "{named:?}");
    let missing: Vec<_> = named.difference(&watched).collect();
    assert!(missing.is_empty(), "{missing:?} of {watched:?}");
}

#[test]
fn an_automatic_certificate_is_due_when_its_ca_says() {
    let folder = Folder::new();
    let state = folder.path("state");
    fs::create_dir(&state).unwrap();
    let text = format!(
        "state-dir = \"{state}\"\n\
         [[acme]]\nname = \"public\"\ndirectory = \"https://ca.example/directory\"\n\
         terms-agreed = true\nchallenge = \"tls-alpn-01\"\nnames = [\"{HOST}\"]\nfor = [\"edge\"]\n\
         [certificates]\nprober-url = \"http://127.0.0.1:9115/probe\"\n\
         prober-targets = [\"https://{HOST}/\"]\n\
         [[listener]]\nname = \"edge\"\naddresses = [\"127.0.0.1:0\"]\n\
         [[listener.host]]\nnames = [\"{HOST}\"]\n\
         certificates = [{{ chain = \"{}\", key = \"file:{}\" }}]\n",
        folder.path("edge.pem"),
        folder.path("edge.key"),
    );
    let config = config(&text);
    let kept = AcmeFolder::new(&config.state_dir, "public");
    let dues = || -> Vec<Option<i64>> {
        let all = entries::entries(&config).into_iter();
        all.filter_map(|entry| entry.shared.renewal)
            .map(|renewing| renewing.due.map(date::to_unix))
            .collect()
    };
    let keep = |due: Option<i64>| {
        let status = Status {
            due,
            ..Status::default()
        };
        kept.keep_status(&status).unwrap();
    };
    // The file, what the listener serves, and the same from outside.
    assert_eq!(dues(), [None; 3], "by the lifetime");
    keep(Some(1_900_000_000));
    assert_eq!(dues(), [Some(1_900_000_000); 3]);
    keep(Some(0));
    assert_eq!(dues(), [None; 3], "none is in use yet");
}
