//! The verbs from the command line to the disk, on several nodes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;
use std::time::Duration;

use clap::Parser as _;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::config::SigningAlgorithm;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::token::Amr;
use crate::domain::auth::token::Claims;
use crate::domain::auth::token::TokenRules;
use crate::domain::certs::mint;
use crate::jose::KeyRing;
use crate::jose::SigningKey;

#[derive(clap::Parser)]
struct Command {
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    args: Args,
}

/// Made once: a key takes a while.
static KEYS: LazyLock<[SigningKey; 2]> =
    LazyLock::new(|| [(); 2].map(|()| SigningKey::generate(2048).unwrap()));

const LIFE: Duration = Duration::from_secs(720 * 3600);

const PASSPHRASE: &str = "correct horse battery staple";

/// A node with a directory of keys.
struct Node(TempDir);

impl Node {
    fn new() -> Self {
        let node = Self(tempfile::tempdir().unwrap());
        node.put("passphrase", PASSPHRASE);
        node
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// A file that only its owner may read.
    fn put(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn passphrase(&self) -> String {
        format!("file:{}", self.path("passphrase"))
    }

    /// Runs a verb on this node's keys.
    fn run(&self, words: &[&str], now: SystemTime) -> Result<String, Failure> {
        let directory = self.path("keys");
        let words = [&["keys"], words, &["--directory", &directory]].concat();
        let Command { json, args } = Command::try_parse_from(words).unwrap();
        carry_out(args, Console { json }, now).map(|said| match said {
            Said::Document(document) => document.to_string(),
            Said::Lines(lines) => lines.join("\n"),
        })
    }

    fn said(&self, words: &[&str]) -> String {
        self.run(words, mint::now()).unwrap()
    }

    fn refused(&self, words: &[&str]) -> (Exit, String) {
        let failure = self.run(words, mint::now()).unwrap_err();
        (failure.exit(), failure.to_string())
    }

    /// An active key, and a next one, without the wait for new ones.
    fn seed(&self, keys: &[SigningKey]) {
        let mut set = KeySet::empty();
        for key in keys {
            let record = key.to_record(SigningAlgorithm::Rs256).unwrap();
            set.generate(record, mint::now()).unwrap();
        }
        self.write(&set);
    }

    fn write(&self, set: &KeySet) {
        let path = self.path("keys");
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        self.put("keys/keys.json", set.to_json().unwrap());
    }

    fn set(&self) -> KeySet {
        KeySet::parse(&fs::read(self.path("keys/keys.json")).unwrap()).unwrap()
    }

    fn ring(&self) -> KeyRing {
        KeyRing::from_set(&self.set(), mint::now()).unwrap()
    }

    fn export(&self, name: &str) -> String {
        let out = self.path(name);
        self.said(&["export", "--out", &out, "--passphrase", &self.passphrase()]);
        out
    }

    fn import(&self, file: &str, more: &[&str]) -> Result<String, Failure> {
        let passphrase = self.passphrase();
        let words = [&["import", file, "--passphrase", &passphrase], more].concat();
        self.run(&words, mint::now())
    }
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_key_is_active_and_lies_in_a_closed_directory() {
    let node = Node::new();
    let said = node.said(&["generate", "--bits", "2048"]);
    assert!(
        said.contains(", active\nWritten: ") && said.contains("generation 1"),
        "{said}"
    );
    assert_eq!(mode(&node.path("keys")), 0o700);
    assert_eq!(mode(&node.path("keys/keys.json")), 0o600);
    assert_eq!(node.set().keys()[0].n.len(), 342);

    let next: Value =
        serde_json::from_str(&node.said(&["generate", "--bits", "2048", "--json"])).unwrap();
    assert_eq!(
        (&next["state"], &next["generation"]),
        (&"next".into(), &2.into())
    );
    let (exit, text) = node.refused(&["generate", "--bits", "2048"]);
    assert_eq!(exit, Exit::Data);
    assert!(
        text.contains(next["kid"].as_str().unwrap()) && text.contains("xspd keys rotate"),
        "{text}"
    );
}

#[test]
fn a_lab_gets_its_first_key_and_keeps_it() {
    let node = Node::new();
    let directory = node.0.path().join("keys");
    let kid = generate_first(&directory, 2048, mint::now()).unwrap();
    assert_eq!(generate_first(&directory, 2048, mint::now()).unwrap(), kid);
    assert_eq!(node.ring().active_kid(), Some(kid.as_str()));
}

#[test]
fn a_rotation_needs_a_next_key_and_prints_the_end_of_the_old_one() {
    let node = Node::new();
    let (exit, text) = node.refused(&["rotate"]);
    assert_eq!(exit, Exit::NoInput);
    assert!(text.contains("xspd keys generate"), "{text}");
    assert!(
        !fs::exists(node.path("keys")).unwrap(),
        "a directory was made"
    );
    node.seed(&KEYS[..1]);
    let (exit, text) = node.refused(&["rotate"]);
    assert_eq!(exit, Exit::Data);
    assert!(
        text.contains("no next key") && text.contains("xspd keys generate"),
        "{text}"
    );

    node.seed(&KEYS[..]);
    let said = node.said(&["rotate"]);
    assert!(
        said.contains(&format!("Active: {}", KEYS[1].kid())),
        "{said}"
    );
    let until = format!("Retiring: {}; it checks its tokens until ", KEYS[0].kid());
    assert!(said.contains(&until), "{said}");
    assert_eq!(node.set().generation(), 3);
}

#[test]
fn a_second_node_accepts_the_tokens_of_the_first_through_a_rotation() {
    let (first, second) = (Node::new(), Node::new());
    let claims = Claims::new("BroadWorks", "alice", mint::now(), LIFE, [1; 16], Amr::Ci);
    let rules = TokenRules::new("BroadWorks");
    let believed = |from: &Node, by: &Node| {
        let token = from.ring().issue(&claims).unwrap();
        by.ring().verify(&token, &rules, mint::now()) == Ok(claims.clone())
    };
    first.seed(&KEYS[..1]);
    let said = second.import(&first.export("one"), &[]).unwrap();
    assert!(
        said.contains(&format!("New: {}, active", KEYS[0].kid())),
        "{said}"
    );
    assert!(believed(&first, &second) && believed(&second, &first));
    let prints = [&first, &second].map(|node| node.said(&["fingerprint"]));
    assert_eq!(prints[0], prints[1]);
    assert_eq!(mode(&second.path("keys/keys.json")), 0o600);

    // The next key comes to the first node, travels, and then signs there.
    first.seed(&KEYS[..]);
    second.import(&first.export("two"), &[]).unwrap();
    first.said(&["rotate"]);
    assert!(believed(&first, &second) && believed(&second, &first));
    let prints = [&first, &second].map(|node| node.said(&["fingerprint"]));
    assert_ne!(prints[0], prints[1]);

    let said = second.import(&first.export("three"), &[]).unwrap();
    let changed = format!("Changed: {}, active -> retiring", KEYS[0].kid());
    assert!(said.contains(&changed), "{said}");
    assert_eq!(second.set(), first.set());
    let again = second.import(&first.export("four"), &[]).unwrap();
    assert!(again.starts_with("Nothing to do"), "{again}");
}

#[test]
fn an_older_generation_needs_force() {
    let (first, second) = (Node::new(), Node::new());
    first.seed(&KEYS[..1]);
    let old = first.export("old");
    second.seed(&KEYS[..]);
    let refused = second.import(&old, &[]).unwrap_err();
    assert!(
        matches!(
            refused,
            Failure::Older {
                theirs: 1,
                ours: 2,
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!((refused.exit(), second.set().generation()), (Exit::Data, 2));
    let said = second.import(&old, &["--force"]).unwrap();
    assert!(
        said.contains(&format!("Gone: {}, was next", KEYS[1].kid())),
        "{said}"
    );
    assert_eq!(second.set().generation(), 1);
}

#[test]
fn nodes_that_have_parted_are_told_so() {
    let (first, second) = (Node::new(), Node::new());
    first.seed(&KEYS[..1]);
    second.seed(&KEYS[1..]);
    let refused = second.import(&first.export("same"), &[]).unwrap_err();
    assert!(
        matches!(refused, Failure::Diverged { generation: 1, .. }),
        "{refused}"
    );

    // A newer file of a farm that never knew this node's key.
    let third = Node::new();
    let mut set = first.set();
    set.generate(
        KEYS[1].to_record(SigningAlgorithm::Rs256).unwrap(),
        mint::now(),
    )
    .unwrap();
    third.write(&set);
    let foreign = SigningKey::generate(2048).unwrap();
    second.seed(std::slice::from_ref(&foreign));
    let refused = second.import(&third.export("newer"), &[]).unwrap_err();
    let Failure::Drops { kids, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(kids, &[foreign.kid().to_owned()]);
    second.import(&third.path("newer"), &["--force"]).unwrap();
    assert_eq!(second.set(), third.set());
}

#[test]
fn a_file_for_a_certificate_opens_with_its_key_only() {
    let (first, second) = (Node::new(), Node::new());
    first.seed(&KEYS[..1]);
    let rsa = || {
        rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap()
    };
    let (pair, other) = (rsa(), rsa());
    let params = rcgen::CertificateParams::new(vec!["node2.example.net".to_owned()]).unwrap();
    let certificate = first.put("node2.pem", params.self_signed(&pair).unwrap().pem());
    let out = first.path("export");
    first.said(&["export", "--out", &out, "--to-certificate", &certificate]);
    let key = format!("file:{}", second.put("node2.key", pair.serialize_pem()));
    let wrong = format!("file:{}", second.put("other.key", other.serialize_pem()));
    let none = format!("file:{}", second.put("none.key", "no key"));
    let passphrase = second.passphrase();
    for (words, part) in [
        (["--key", &wrong], "another key"),
        (["--key", &none], "not an unencrypted RSA private key"),
        (["--passphrase", &passphrase], "--key"),
    ] {
        let (exit, text) = second.refused(&[&["import", out.as_str()], &words[..]].concat());
        assert_eq!(exit, Exit::Data, "{text}");
        assert!(text.contains(part), "{text}");
    }
    second.said(&["import", &out, "--key", &key]);
    assert_eq!(second.set(), first.set());

    let elliptic = rcgen::generate_simple_self_signed(vec!["x.example".to_owned()]).unwrap();
    for text in [elliptic.cert.pem(), "nothing".to_owned()] {
        let path = first.put("bad.pem", text);
        let (exit, text) = first.refused(&["export", "--to-certificate", &path]);
        assert_eq!(exit, Exit::Data, "{text}");
    }
}

#[test]
fn an_export_tells_its_keys_in_the_clear_and_nothing_else() {
    let node = Node::new();
    node.seed(&KEYS[..]);
    let out = node.export("export");
    assert_eq!(mode(&out), 0o600);
    let text = fs::read_to_string(&out).unwrap();
    let head = format!(
        "xspd-authservice-export 1 generation=2 keys=active:{},next:{}\n",
        KEYS[0].kid(),
        KEYS[1].kid()
    );
    assert!(text.starts_with(&head), "{text}");
    assert!(!text.contains(node.set().keys()[0].d.expose()));
    assert_eq!(text.lines().count(), 2);
    let to_stdout = node.said(&["export", "--passphrase", &node.passphrase()]);
    assert!(to_stdout.starts_with(head.trim_end()), "{to_stdout}");
}

#[test]
fn wrong_passphrases_and_changed_files_write_nothing() {
    let (first, second) = (Node::new(), Node::new());
    first.seed(&KEYS[..1]);
    let out = first.export("export");
    let text = fs::read_to_string(&out).unwrap();
    second.put("passphrase", "incorrect horse battery staple");
    let refused = second.import(&out, &[]).unwrap_err();
    assert!(
        refused.to_string().contains("passphrase or key is wrong"),
        "{refused}"
    );
    second.put("passphrase", format!("{PASSPHRASE}\r\n"));
    let (head, sealed) = text.split_once('\n').unwrap();
    let sealed = sealed.trim_end();
    let changed = |sealed: String| second.put("changed", format!("{head}\n{sealed}\n"));
    let parts: Vec<_> = sealed.split('.').collect();
    let flipped = |part: usize| {
        let mut parts: Vec<_> = parts.iter().map(|part| (*part).to_owned()).collect();
        let first = if parts[part].starts_with('A') {
            "B"
        } else {
            "A"
        };
        parts[part].replace_range(0..1, first);
        changed(parts.join("."))
    };
    for file in [
        flipped(1),
        flipped(2),
        flipped(3),
        flipped(4),
        changed(sealed[..sealed.len() / 2].to_owned()),
        changed(format!("{sealed}AAAA")),
        changed(parts[..4].join(".")),
        changed(format!("{sealed}=")),
        changed(String::new()),
    ] {
        let refused = second.import(&file, &[]).unwrap_err();
        assert_eq!(refused.exit(), Exit::Data, "{refused}");
    }
    assert!(
        !fs::exists(second.path("keys")).unwrap(),
        "a directory was made"
    );
    second.import(&out, &[]).unwrap();
}

#[test]
fn files_that_are_not_ours_are_refused_with_the_way_out() {
    let node = Node::new();
    for bytes in [
        &b""[..],
        b"BroadWorks\0\x01\x02",
        b"\xac\xed\x00\x05sr\x00\x15java.security.KeyPair",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"{\"keys\":[]}\n",
        b"xspd-authservice-export 2 generation=1 keys=\nx\n",
        b"xspd-authservice-export 1 generation=1 keys=\nx\nmore\n",
        b"xspd-authservice-export 1 generation=1 keys=\n",
    ] {
        let file = node.put("authService.keys", bytes);
        let refused = node.import(&file, &[]).unwrap_err();
        assert!(matches!(refused, Failure::Foreign(_)), "{refused}");
        let text = refused.to_string();
        assert!(
            text.contains("unpublished") && text.contains("xspd keys generate"),
            "{text}"
        );
    }
    let (exit, _) = node.refused(&["import", "/nonexistent", "--passphrase", &node.passphrase()]);
    assert_eq!(exit, Exit::NoInput);
}

#[test]
fn what_others_may_reach_is_refused() {
    let node = Node::new();
    node.seed(&KEYS[..]);
    let file = node.path("keys/keys.json");
    for bits in [0o640, 0o604, 0o660] {
        fs::set_permissions(&file, fs::Permissions::from_mode(bits)).unwrap();
        for verb in ["show", "fingerprint", "rotate", "generate"] {
            let (exit, text) = node.refused(&[verb]);
            assert_eq!(exit, Exit::NoPermission, "{verb}");
            assert!(text.contains("chmod 600 "), "{text}");
        }
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(node.path("keys"), fs::Permissions::from_mode(0o770)).unwrap();
    let (exit, text) = node.refused(&["rotate"]);
    assert_eq!(exit, Exit::NoPermission);
    assert!(text.contains("chmod 700 "), "{text}");
    assert_eq!(node.set().generation(), 2);
}

#[test]
fn the_key_file_belongs_to_the_owner_of_its_directory() {
    let node = Node::new();
    node.seed(&KEYS[..]);
    // Only root can give a directory away; for others the owner is the same to begin with.
    drop(std::os::unix::fs::chown(
        node.path("keys"),
        Some(4242),
        Some(4242),
    ));
    node.said(&["rotate"]);
    let owner = |name: &str| fs::metadata(node.path(name)).unwrap().uid();
    assert_eq!(owner("keys/keys.json"), owner("keys"));
    assert_eq!(mode(&node.path("keys/keys.json")), 0o600);
}

#[test]
fn two_commands_do_not_work_at_once() {
    let node = Node::new();
    node.seed(&KEYS[..]);
    let path = node.0.path().join("keys");
    let (held, _) = directory::Directory::open(&path).unwrap();
    let (exit, text) = node.refused(&["rotate"]);
    assert_eq!(exit, Exit::Unavailable);
    assert!(text.contains("another xspd keys"), "{text}");
    // Where locks mean nothing, the generation tells.
    let mut other = node.set();
    other.rotate(mint::now(), LIFE).unwrap();
    node.write(&other);
    let stale = held.write(&KeySet::empty()).unwrap_err();
    assert!(matches!(stale, Failure::Stale(_)), "{stale}");
    drop(held);
    assert_eq!(node.set(), other);
}

#[test]
fn damaged_key_files_are_named_and_left_alone() {
    let node = Node::new();
    node.seed(&KEYS[..1]);
    let torn = "{\"format\":\"xspd-authservice-keys\",\"version\":1,";
    for (content, told) in [
        (torn, "keys.json: it is damaged at line 1"),
        ("", "keys.json: it is not a key file"),
    ] {
        node.put("keys/keys.json", content);
        for words in [
            &["generate", "--bits", "2048"][..],
            &["rotate"],
            &["show"],
            &["fingerprint"],
        ] {
            let (exit, text) = node.refused(words);
            assert_eq!(exit, Exit::Data);
            assert!(text.contains(told), "{text}");
        }
    }
}

#[test]
fn short_passphrases_and_shared_ones_are_refused() {
    let node = Node::new();
    node.seed(&KEYS[..1]);
    let short = format!("file:{}", node.put("short", "elevenbytes\n"));
    let (exit, text) = node.refused(&["export", "--passphrase", &short]);
    assert_eq!(exit, Exit::Data);
    assert!(text.contains("fewer than 12 bytes"), "{text}");
    let shared = node.put("shared", PASSPHRASE);
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o644)).unwrap();
    let (exit, _) = node.refused(&["export", "--passphrase", &format!("file:{shared}")]);
    assert_eq!(exit, Exit::NoPermission);
}

#[test]
fn show_tells_dates_and_fingerprints_leave_them_out() {
    let node = Node::new();
    node.seed(&KEYS[..]);
    node.said(&["rotate"]);
    let shown = node.said(&["show"]);
    assert!(shown.contains("keys.json: generation 3"), "{shown}");
    assert!(
        shown.contains(" retiring, RS256, RSA-2048, made "),
        "{shown}"
    );
    assert!(shown.contains(", signs since "), "{shown}");
    let prints = node.said(&["fingerprint"]);
    let expected = format!(
        "generation 3\nactive   {}\nretiring {}",
        KEYS[1].kid(),
        KEYS[0].kid()
    );
    assert_eq!(prints, expected);
    let document: Value = serde_json::from_str(&node.said(&["fingerprint", "--json"])).unwrap();
    assert_eq!(document["keys"][1]["state"], "retiring");
    let document: Value = serde_json::from_str(&node.said(&["show", "--json"])).unwrap();
    assert_eq!(document["keys"][0]["bits"], 2048);

    let later = mint::now() + Duration::from_secs(4322 * 3600);
    let prints = node.run(&["fingerprint"], later).unwrap();
    assert!(!prints.contains("retiring"), "{prints}");
    let shown = node.run(&["show"], later).unwrap();
    assert!(shown.contains(" ended, RS256"), "{shown}");
}

#[test]
fn the_command_line_wants_one_way_to_open_and_a_length_that_is_made() {
    let parse = |words: &[&str]| Command::try_parse_from([&["keys"], words].concat()).is_ok();
    assert!(parse(&["export", "--passphrase", "env:P"]));
    assert!(!parse(&["export"]));
    assert!(!parse(&[
        "export",
        "--passphrase",
        "env:P",
        "--to-certificate",
        "c"
    ]));
    assert!(!parse(&["export", "--passphrase", "hunter2"]));
    assert!(!parse(&["import", "f"]));
    assert!(!parse(&[
        "import",
        "f",
        "--passphrase",
        "env:P",
        "--key",
        "env:K"
    ]));
    for bits in ["1024", "2047", "8192", "x", ""] {
        assert!(!parse(&["generate", "--bits", bits]), "{bits}");
    }
    assert!(!parse(&["rotate", "--config", "c", "--directory", "d"]));
}

#[test]
fn without_a_native_auth_service_the_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("xspd.toml");
    let text = "[[listener]]\nname = 'l'\nkind = 'passthrough'\naddresses = ['127.0.0.1:0']\n\
                passthrough = [{ names = ['*'], upstreams = ['127.0.0.1:1'] }]\n";
    fs::write(&file, text).unwrap();
    let run = |file: &str| {
        let words = ["keys", "show", "--config", file];
        let Command { json, args } = Command::try_parse_from(words).unwrap();
        run_at(args, Console { json }, mint::now())
    };
    assert_eq!(run(file.to_str().unwrap()), Exit::Config);
    assert_eq!(run("/nonexistent/xspd.toml"), Exit::Config);
}
