//! The verbs from the command line to the disk, in directories of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clap::Parser as _;
use rcgen::ExtendedKeyUsagePurpose;
use tempfile::TempDir;

use super::*;
use crate::domain::certs::date;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Webex;
use crate::domain::certs::trust_usage::Present;
use crate::domain::certs::trust_usage::TrustUsage;

#[derive(clap::Parser)]
struct Command {
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    args: Args,
}

/// A directory for one test.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        fs::create_dir(desk.path("trust")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Names in a directory, sorted.
    fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    fn import(&self, file: &str) -> Result<String, String> {
        self.import_with(file, &[])
    }

    fn import_with(&self, file: &str, more: &[&str]) -> Result<String, String> {
        let (into, config) = (self.path("trust"), self.path("xspd.toml"));
        let words = ["import", file, "--into", &into, "--config", &config];
        said(&[&words, more].concat())
    }

    /// A configuration that names the trust directory, and what its daemon remembers after half a
    /// year: which files let a client in, and how many days ago.
    fn remember(&self, files: &[(&str, Option<i64>)]) {
        let text = format!(
            r#"
            state-dir = "{}"
            [[trust]]
            name = "webex"
            directory = "{}"
            [[listener]]
            name = "l"
            kind = "passthrough"
            addresses = ["127.0.0.1:0"]
            passthrough = [{{ names = ["*"], upstreams = ["127.0.0.1:1"] }}]
            "#,
            self.path("state"),
            self.path("trust")
        );
        self.put("xspd.toml", text);
        let before = |days: i64| {
            let now = date::to_unix(mint::now());
            now.saturating_sub(days.saturating_mul(86_400))
        };
        let present: Vec<Present> = files
            .iter()
            .map(|(name, days)| Present {
                name: (*name).to_owned(),
                ends: None,
                last_used: days.map(before),
            })
            .collect();
        let mut usage = TrustUsage::default();
        let unused = present.iter().map(|held| Present {
            last_used: None,
            ..held.clone()
        });
        let long_ago = date::from_unix(before(180)).unwrap();
        usage.look("webex", &unused.collect::<Vec<_>>(), long_ago);
        usage.look("webex", &present, mint::now());
        let path = Path::new(&self.path("state")).join("trust/last-used.json");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_string(&usage).unwrap()).unwrap();
    }
}

/// A command line as the process would take it.
fn parse(words: &[&str]) -> (Args, Console) {
    let Command { json, args } = Command::try_parse_from([&["trust"], words].concat()).unwrap();
    (args, Console { json })
}

fn exit(words: &[&str]) -> Exit {
    let (args, console) = parse(words);
    run_at(args, console, mint::now())
}

/// What a verb says on standard output, or why it failed.
fn said(words: &[&str]) -> Result<String, String> {
    let now = mint::now();
    let (args, console) = parse(words);
    let done = match args.verb {
        Verb::Diff(args) => diff::run(&args, console, now),
        Verb::Import(args) => import::run(&args, now),
        Verb::Show(args) => show::run(&args, console, now),
        Verb::Split(args) => split::run(&args, now),
    };
    match done.map(|report| report.said) {
        Ok(Said::Lines(lines)) => Ok(lines.join("\n")),
        Ok(Said::Document(document)) => Ok(document.to_string()),
        Err(failure) => Err(failure.to_string()),
    }
}

fn document(words: &[&str]) -> serde_json::Value {
    serde_json::from_str(&said(words).unwrap()).unwrap()
}

#[test]
fn show_lists_every_certificate_of_a_good_file() {
    let desk = Desk::new();
    let webex = Webex::of(2023);
    let file = desk.put("CombinedCertChain2023.txt", webex.pem());
    assert_eq!(exit(&["show", &file]), Exit::Ok);
    let text = said(&["show", &file]).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[0].ends_with("CombinedCertChain2023.txt: good; certificates: 2."));
    assert!(rows[1].starts_with("BLOCK  ROLE "));
    let root = webex.root.fingerprint().to_string();
    for part in [
        "1      root ",
        "itself",
        "2033-01-01 00:00:00 UTC",
        "2178",
        "EC P-256",
        &root,
    ] {
        assert!(rows[2].contains(part), "{part} in {}", rows[2]);
    }
    let json = document(&["show", &file, "--json"]);
    assert_eq!(json["files"][0]["verdict"], "good");
    assert_eq!(json["files"][0]["certificates"][1]["role"], "issuing");
    assert_eq!(json["files"][0]["certificates"][0]["fingerprint"], root);
    assert_eq!(json["files"][0]["certificates"][0]["days-left"], 2178);
}

#[test]
fn show_tells_all_problems_and_still_lists_what_it_read() {
    let desk = Desk::new();
    let webex = Webex::of(2023);
    let text = format!("{}{}", webex.issuing.pem(), webex.root.key_pem());
    let file = desk.put("bad.txt", text);
    assert_eq!(exit(&["show", &file]), Exit::Data);
    let text = said(&["show", &file]).unwrap();
    for part in [
        "REFUSED",
        "Internal Private TLS SubCA",
        "Problem: Block 2: this file contains",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json = document(&["show", &file, "--json"]);
    assert_eq!(json["files"][0]["problems"][0]["reason"], "root-missing");
    assert_eq!(json["files"][0]["problems"][1]["reason"], "private-key");
}

#[test]
fn show_judges_the_files_of_a_directory_together() {
    let desk = Desk::new();
    let webex = Webex::of(2023);
    desk.put("trust/root2023.txt", webex.root.pem());
    desk.put("trust/issuing2023.txt", webex.issuing.pem());
    desk.put("trust/old.txt.retired", "not read");
    assert_eq!(exit(&["show", &desk.path("trust")]), Exit::Ok);
    assert_eq!(
        exit(&["show", &desk.path("trust/issuing2023.txt")]),
        Exit::Data
    );
    fs::create_dir(desk.path("empty")).unwrap();
    assert_eq!(exit(&["show", &desk.path("empty")]), Exit::Data);
    assert_eq!(exit(&["show", &desk.path("nowhere")]), Exit::NoInput);
}

#[test]
fn show_goes_by_the_daemons_rules_in_a_directory_and_by_imports_for_a_file() {
    let desk = Desk::new();
    let old = desk.put("trust/old.txt", Webex::of(2010).pem());
    let directory = desk.path("trust");
    assert_eq!(exit(&["show", &directory]), Exit::Data);
    desk.put("trust/new.txt", Webex::of(2023).pem());
    assert_eq!(exit(&["show", &directory]), Exit::Ok);
    assert!(
        said(&["show", &directory])
            .unwrap()
            .contains("and is left out")
    );
    assert_eq!(exit(&["show", &old]), Exit::Data);
}

#[test]
fn split_writes_one_file_each_and_prints_both_contexts() {
    let desk = Desk::new();
    let webex = Webex::of(2023);
    let file = desk.put("CombinedCertChain2023.txt", webex.pem());
    let out = desk.path("out");
    let words = ["split", "--in", &file, "--out-dir", &out];
    let text = said(&words).unwrap();
    let cti = "Interface/CTI/SSLCommonSettings/ClientAuthentication/Trusts> updateTrust";
    let http = "Interface/Http/SSLCommonSettings/ClientAuthentication/Trusts> updateTrust";
    for context in [cti, http] {
        for rest in [
            "webexclientroot2023 /tmp/root2023.txt",
            "webexclientissuing2023 /tmp/issuing2023.txt",
        ] {
            let line = format!("{context} {rest}");
            assert!(text.lines().any(|held| held == line), "{line} in {text}");
        }
    }
    assert_eq!(
        fs::read_to_string(desk.path("out/root2023.txt")).unwrap(),
        webex.root.pem()
    );
    assert_eq!(desk.names("out"), ["issuing2023.txt", "root2023.txt"]);
    assert!(said(&words).unwrap().contains("There already"));
    assert_eq!(exit(&words), Exit::Ok);
}

#[test]
fn split_numbers_several_generations_and_takes_the_year_from_the_newest() {
    let desk = Desk::new();
    let (old, new) = (Webex::of(2021), Webex::of(2026));
    let file = desk.put(
        "CombinedCertChain.txt",
        format!("{}{}", old.pem(), new.pem()),
    );
    let out = desk.path("out");
    let text = said(&["split", "--in", &file, "--out-dir", &out]).unwrap();
    assert!(text.contains("updateTrust webexclientroot2026-2 /tmp/root2026-2.txt"));
    assert_eq!(
        fs::read_to_string(desk.path("out/root2026.txt")).unwrap(),
        new.root.pem()
    );
    assert_eq!(
        fs::read_to_string(desk.path("out/issuing2026-2.txt")).unwrap(),
        old.issuing.pem()
    );
    let named = said(&["split", "--in", &file, "--out-dir", &out, "--year", "2030"]).unwrap();
    assert!(named.contains("webexclientroot2030 "));
}

#[test]
fn split_writes_nothing_when_a_name_is_taken_or_the_file_is_bad() {
    let desk = Desk::new();
    let webex = Webex::of(2023);
    let file = desk.put("chain2023.txt", webex.pem());
    desk.put("trust/issuing2023.txt", "something else");
    let out = desk.path("trust");
    assert_eq!(
        exit(&["split", "--in", &file, "--out-dir", &out]),
        Exit::CantCreate
    );
    let bad = desk.put("bad2023.txt", webex.issuing.pem());
    assert_eq!(
        exit(&["split", "--in", &bad, "--out-dir", &out]),
        Exit::Data
    );
    assert_eq!(desk.names("trust"), ["issuing2023.txt"]);
    let deep = desk.path("no/such");
    assert_eq!(
        exit(&["split", "--in", &file, "--out-dir", &deep]),
        Exit::CantCreate
    );
}

#[test]
fn diff_exits_with_one_when_anchors_differ() {
    let desk = Desk::new();
    let (old, new) = (Webex::of(2010), Webex::of(2026));
    let one = desk.put("old.txt", old.pem());
    let two = desk.put("new.txt", new.pem());
    let reordered = format!("{}\r\n{}", old.issuing.pem(), old.root.pem());
    let same = desk.put("same.txt", reordered);
    assert_eq!(exit(&["diff", &one, &same]), Exit::Ok);
    assert_eq!(exit(&["diff", &one, &two]), Exit::Findings);
    let text = said(&["diff", &one, &two]).unwrap();
    let count = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((count("added"), count("removed"), count("kept")), (2, 2, 0));
    assert!(text.contains("CN=Internal Private Root: the name is the same, the key is new ("));
    let json = document(&["diff", &one, &two, "--json"]);
    assert_eq!(json["same"], false);
    assert_eq!(json["same-name"][0]["new-key"], true);
    let bad = desk.put("bad.txt", "nothing");
    assert_eq!(exit(&["diff", &one, &bad]), Exit::Data);
}

#[test]
fn import_keeps_two_generations_and_retires_the_rest() {
    let desk = Desk::new();
    let generations = [Webex::of(2010), Webex::of(2021), Webex::of(2026)];
    let files: Vec<String> = ["a2010.txt", "b2021.txt", "c2026.txt"]
        .iter()
        .zip(&generations)
        .map(|(name, webex)| desk.put(name, webex.pem()))
        .collect();
    // The first one has ended; it can only have come in before that.
    desk.put("trust/a2010.txt", generations[0].pem());
    let text = desk.import(&files[1]).unwrap();
    assert!(text.contains("Stays beside it: a2010.txt"), "{text}");
    desk.remember(&[("a2010.txt", Some(30)), ("b2021.txt", Some(0))]);
    let text = desk.import(&files[2]).unwrap();
    for part in [
        "Taken in: ",
        "Stays beside it: b2021.txt",
        "Retired: a2010.txt (renamed to a2010.txt.retired)",
        "without SIGHUP or restart",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(
        desk.names("trust"),
        ["a2010.txt.retired", "b2021.txt", "c2026.txt"]
    );
    let written = Path::new(&desk.path("trust/c2026.txt")).to_owned();
    assert_eq!(fs::read(&written).unwrap(), fs::read(&files[2]).unwrap());
    assert_eq!(
        fs::metadata(&written).unwrap().permissions().mode() & 0o777,
        0o644
    );
    assert_eq!(exit(&["show", &desk.path("trust")]), Exit::Ok);
}

#[test]
fn import_keeps_what_let_a_client_in_of_late() {
    let desk = Desk::new();
    for (name, year) in [("a.txt", 2019), ("b.txt", 2021), ("c.txt", 2023)] {
        desk.put(&format!("trust/{name}"), Webex::of(year).pem());
    }
    let file = desk.put("d.txt", Webex::of(2026).pem());
    // Webex still shows the oldest; nobody knows of the next one.
    desk.remember(&[("a.txt", Some(29)), ("c.txt", None)]);
    let text = desk.import_with(&file, &["--dry-run"]).unwrap();
    for part in [
        "Stays beside it: c.txt",
        "Stays: a.txt: last let a client in 2026-12-17",
        "(29 days ago)",
        "Stays: b.txt: whether it lets clients in is not known",
        "with --force",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("retire: "), "{text}");
    let forced = desk.import_with(&file, &["--dry-run", "--force"]).unwrap();
    assert!(forced.contains("Would retire: a.txt"), "{forced}");
    desk.import(&file).unwrap();
    assert_eq!(desk.names("trust"), ["a.txt", "b.txt", "c.txt", "d.txt"]);
    // The record of the daemon is the same one that is shown.
    let config = desk.path("xspd.toml");
    let shown = said(&["show", &desk.path("trust"), "--config", &config]).unwrap();
    assert!(shown.contains("(29 days ago)"), "{shown}");
}

#[test]
fn import_never_leaves_more_files_than_the_daemon_takes() {
    let desk = Desk::new();
    for year in 2000..2016 {
        desk.put(&format!("trust/{year}.txt"), Webex::of(year).pem());
    }
    let file = desk.put("new.txt", Webex::of(2026).pem());
    let why = desk.import(&file).unwrap_err();
    assert!(why.contains("more than 16 files"), "{why}");
    assert_eq!(desk.names("trust").len(), 16);
    desk.import_with(&file, &["--force"]).unwrap();
    let names = desk.names("trust");
    let used = names.iter().filter(|name| name.ends_with(".txt"));
    assert_eq!(used.collect::<Vec<_>>(), ["2015.txt", "new.txt"]);
}

#[test]
fn import_of_what_is_there_already_changes_nothing() {
    let desk = Desk::new();
    let webex = Webex::of(2023);
    let file = desk.put("chain2023.txt", webex.pem());
    desk.import(&file).unwrap();
    let again = desk.put("renamed.txt", webex.pem().replace('\n', "\r\n"));
    for path in [&file, &again] {
        let text = desk.import(path).unwrap();
        assert!(text.starts_with("Nothing to do: "), "{text}");
        assert!(text.ends_with("in chain2023.txt."), "{text}");
    }
    assert_eq!(desk.names("trust"), ["chain2023.txt"]);
}

#[test]
fn import_takes_split_files_for_one_generation() {
    let desk = Desk::new();
    let (oldest, old, new) = (Webex::of(2019), Webex::of(2021), Webex::of(2026));
    desk.put("trust/root2019.txt", oldest.root.pem());
    desk.put("trust/issuing2019.txt", oldest.issuing.pem());
    desk.put("trust/root2021.txt", old.root.pem());
    desk.put("trust/issuing2021.txt", old.issuing.pem());
    let same = desk.put("old.txt", old.pem());
    assert!(desk.import(&same).unwrap().starts_with("Nothing to do"));
    let file = desk.put("new.txt", new.pem());
    // One of two that belong together was used: both stay.
    desk.remember(&[("issuing2019.txt", Some(3)), ("root2019.txt", None)]);
    let text = desk.import_with(&file, &["--dry-run"]).unwrap();
    for part in [
        "Stays: issuing2019.txt: last",
        "Stays: root2019.txt: belongs",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    desk.remember(&[("issuing2019.txt", None), ("root2019.txt", None)]);
    desk.import(&file).unwrap();
    assert_eq!(
        desk.names("trust"),
        [
            "issuing2019.txt.retired",
            "issuing2021.txt",
            "new.txt",
            "root2019.txt.retired",
            "root2021.txt"
        ]
    );
}

#[test]
fn import_refuses_a_taken_name_and_leaves_everything_as_it_was() {
    let desk = Desk::new();
    let (old, new) = (Webex::of(2021), Webex::of(2026));
    desk.put("trust/CombinedCertChain.txt", old.pem());
    let file = desk.put("CombinedCertChain.txt", new.pem());
    let why = desk.import(&file).unwrap_err();
    assert!(why.contains("is there already with other content"), "{why}");
    let directory = desk.path("trust");
    assert_eq!(
        exit(&["import", &file, "--into", &directory]),
        Exit::CantCreate
    );
    let held = fs::read_to_string(desk.path("trust/CombinedCertChain.txt")).unwrap();
    assert_eq!(held, old.pem());
}

#[test]
fn import_gives_a_name_that_the_daemon_will_find() {
    let desk = Desk::new();
    let file = desk.put("chain2023.crt", Webex::of(2023).pem());
    desk.import(&file).unwrap();
    assert_eq!(desk.names("trust"), ["chain2023.crt.txt"]);
    let hidden = desk.put(".chain.txt", Webex::of(2026).pem());
    let directory = desk.path("trust");
    assert_eq!(exit(&["import", &hidden, "--into", &directory]), Exit::Data);
}

#[test]
fn import_refuses_bad_files_with_their_exit_codes() {
    let desk = Desk::new();
    let webex = Webex::of(2023);
    let client = mint::leaf("bwcticlient.webex.com", ExtendedKeyUsagePurpose::ClientAuth);
    let leaf = webex.issuing.issue(client).pem();
    let expired = Webex::of(2010);
    let with_expired = format!("{}{}", webex.pem(), expired.pem());
    let directory = desk.path("trust");
    let cases = [
        ("leaf.txt", format!("{}{leaf}", webex.pem()), Exit::Data),
        (
            "key.txt",
            format!("{}{}", webex.pem(), webex.root.key_pem()),
            Exit::Data,
        ),
        ("empty.txt", String::new(), Exit::Data),
        ("expired.txt", with_expired.clone(), Exit::Data),
    ];
    for (name, text, code) in cases {
        let file = desk.put(name, text);
        assert_eq!(
            exit(&["import", &file, "--into", &directory]),
            code,
            "{name}"
        );
    }
    let gone = desk.path("gone.txt");
    assert_eq!(
        exit(&["import", &gone, "--into", &directory]),
        Exit::NoInput
    );
    let file = desk.put("good.txt", webex.pem());
    let nowhere = desk.path("nowhere");
    assert_eq!(
        exit(&["import", &file, "--into", &nowhere]),
        Exit::CantCreate
    );
    assert_eq!(desk.names("trust"), [""; 0]);
    let partly = desk.put("partly.txt", with_expired);
    let words = [
        "import",
        &partly,
        "--into",
        &directory,
        "--allow-out-of-date",
    ];
    assert_eq!(exit(&words), Exit::Ok);
}

#[test]
fn import_stops_when_the_directory_itself_is_bad() {
    let desk = Desk::new();
    desk.put("trust/broken.pem", "not a chain");
    let file = desk.put("good.txt", Webex::of(2023).pem());
    let why = desk.import(&file).unwrap_err();
    assert!(
        why.contains("broken.pem: the file holds no PEM block"),
        "{why}"
    );
    assert_eq!(desk.names("trust"), ["broken.pem"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let desk = Desk::new();
    for (name, year) in [("trust/a.txt", 2019), ("trust/b.txt", 2021)] {
        desk.put(name, Webex::of(year).pem());
    }
    let file = desk.put("c.txt", Webex::of(2026).pem());
    desk.remember(&[("a.txt", None), ("b.txt", None)]);
    let text = desk.import_with(&file, &["--dry-run"]).unwrap();
    for part in [
        "Would take in: ",
        "Would retire: a.txt",
        "Nothing was written.",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(desk.names("trust"), ["a.txt", "b.txt"]);
}

#[test]
fn an_older_file_is_taken_in_with_a_warning() {
    let desk = Desk::new();
    desk.put("trust/new.txt", Webex::of(2026).pem());
    let file = desk.put("old.txt", Webex::of(2021).pem());
    assert!(
        desk.import(&file)
            .unwrap()
            .contains("This file is older than what is there.")
    );
}

#[test]
fn a_second_import_at_the_same_time_is_kept_out() {
    let desk = Desk::new();
    let file = desk.put("chain.txt", Webex::of(2023).pem());
    let held = fs::File::open(desk.path("trust")).unwrap();
    held.lock().unwrap();
    let directory = desk.path("trust");
    assert_eq!(
        exit(&["import", &file, "--into", &directory]),
        Exit::Unavailable
    );
    drop(held);
    assert_eq!(exit(&["import", &file, "--into", &directory]), Exit::Ok);
}

#[test]
fn retired_files_never_overwrite_each_other() {
    let desk = Desk::new();
    desk.put("trust/a.txt", Webex::of(2019).pem());
    desk.put("trust/a.txt.retired", "kept");
    desk.put("trust/b.txt", Webex::of(2021).pem());
    let file = desk.put("c.txt", Webex::of(2026).pem());
    desk.import_with(&file, &["--force"]).unwrap();
    let expected = ["a.txt.retired", "a.txt.retired-2", "b.txt", "c.txt"];
    assert_eq!(desk.names("trust"), expected);
    assert_eq!(
        fs::read_to_string(desk.path("trust/a.txt.retired")).unwrap(),
        "kept"
    );
}
