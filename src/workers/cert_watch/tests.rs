//! Real files and real handshakes.

mod accounts;
mod believed;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::from_text;
use crate::domain::alarms::Alarm;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Severity;
use crate::domain::certs::mint;
use crate::domain::certs::mint::Minted;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Scan;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Timekeeping;
use crate::workers::cert_watch::probe::Manner;
use crate::workers::cert_watch::probe::Target;

const HOST: &str = "xsp.example.com";
const LONG: Duration = Duration::from_secs(20);

fn config(more: &str) -> Config {
    let text = format!(
        r#"
        {more}
        [[pool]]
        name = "xsp"
        upstream = [{{ name = "none", url = "http://127.0.0.1:9" }}]
        [[listener]]
        name = "none"
        addresses = ["127.0.0.1:0"]
        plaintext = true
        [[listener.host]]
        names = ["*"]
        "#
    );
    from_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn watching(&self, pattern: &str, more: &str) -> Config {
        config(&format!(
            "[[certificate]]\nname = \"farm\"\nfiles = [\"{}\"]\n{more}",
            self.path(pattern)
        ))
    }
}

/// What each file came to: the object and the word of the fault, or nothing.
fn words(scan: &Scan) -> Vec<(String, &'static str)> {
    let sightings = scan.sightings.iter();
    sightings
        .map(|sighting| {
            let word = sighting.seen.as_ref().err().map_or("", SourceFault::word);
            (sighting.watched.id.to_string(), word)
        })
        .collect()
}

fn look(config: &Config) -> Scan {
    scan::files(config, &[], &mut Cache::default(), mint::now())
}

fn leaf(host: &str) -> Minted {
    Minted::root(mint::leaf(host, ExtendedKeyUsagePurpose::ServerAuth))
}

#[test]
fn a_pattern_makes_one_object_of_each_name_and_bad_files_are_named() {
    let folder = Folder::new();
    folder.put("one.pem", leaf("one.example.com").pem());
    folder.put("one-renewed.pem", leaf("one.example.com").pem());
    folder.put(
        "two.pem",
        format!("junk\n{}\nmore", leaf("two.example.com").pem()),
    );
    folder.put("three.pem", leaf("three.example.com").der);
    let whole = leaf("cut.example.com").der;
    folder.put("cut.pem", &whole[..whole.len() / 2]);
    folder.put("empty.pem", "");
    folder.put("text.pem", "nothing to see");
    fs::create_dir(folder.path("folder.pem")).unwrap();
    let huge = fs::File::create(folder.path("huge.pem")).unwrap();
    huge.set_len(1 << 30).unwrap();
    let found = words(&look(&folder.watching("*.pem", "")));
    let expected = [
        ("farm cut.pem", "bad-certificate"),
        ("farm empty.pem", "empty"),
        ("farm folder.pem", "directory"),
        ("farm huge.pem", "too-large"),
        ("farm one.example.com ECDSA", ""),
        ("farm one.example.com ECDSA", ""),
        ("farm text.pem", "unknown-format"),
        ("farm three.example.com ECDSA", ""),
        ("farm two.example.com ECDSA", ""),
    ];
    let mut found: Vec<_> = found
        .iter()
        .map(|(id, word)| (id.as_str(), *word))
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn too_many_files_and_none_are_told_of_the_pattern() {
    let folder = Folder::new();
    let few = folder.watching("*.pem", "[certificates]\nmost-files = 1\n");
    assert_eq!(words(&look(&few)), [("farm".to_owned(), "nothing-matches")]);
    folder.put("a.pem", leaf("a").pem());
    folder.put("b.pem", leaf("b").pem());
    assert_eq!(words(&look(&few)), [("farm".to_owned(), "too-many-files")]);
}

#[test]
fn a_pattern_that_fails_says_nothing_of_what_its_files_held() {
    let folder = Folder::new();
    fs::create_dir(folder.path("held")).unwrap();
    for host in ["a", "b"] {
        folder.put(&format!("held/{host}.pem"), leaf(host).pem());
    }
    let config = folder.watching("held/*.pem", "");
    let now = clock::now();
    let mut list = Watchlist::new(rules(&config), now);
    let mut told = std::collections::BTreeSet::new();
    let mut scan = |told: &mut std::collections::BTreeSet<(AlarmName, String)>| {
        list.handle(Input::Scanned(look(&config)), now);
        while let Some(action) = list.poll_action() {
            if let Action::Observe(Observation { key, condition }) = action {
                let key = (key.name, key.object.as_str().to_owned());
                match condition {
                    Condition::Present(_) => told.insert(key),
                    Condition::Absent => told.remove(&key),
                };
            }
        }
    };
    scan(&mut told);
    let lost = |told: &std::collections::BTreeSet<(AlarmName, String)>| {
        let lost = told
            .iter()
            .filter(|(name, _)| *name == AlarmName::CertificateSourceLost);
        lost.map(|(_, object)| object.clone()).collect::<Vec<_>>()
    };
    fs::rename(folder.path("held"), folder.path("away")).unwrap();
    for _ in 0..5 {
        scan(&mut told);
    }
    assert_eq!(
        lost(&told),
        ["farm"],
        "one for the pattern, none for its files"
    );
    fs::rename(folder.path("away"), folder.path("held")).unwrap();
    scan(&mut told);
    assert_eq!(lost(&told), [""; 0]);
}

#[test]
fn what_stood_for_an_unreadable_file_is_gone_once_it_can_be_read() {
    let folder = Folder::new();
    folder.put("a.pem", "half writ");
    let config = folder.watching("*.pem", "");
    let now = clock::now();
    let mut watchlist = Watchlist::new(rules(&config), now);
    let mut names = || {
        watchlist.handle(Input::Scanned(look(&config)), now);
        let mut names = Vec::new();
        while let Some(action) = watchlist.poll_action() {
            if let Action::Publish(board) = action {
                let all = board.standings.iter();
                names = all.map(|held| held.watched.id.to_string()).collect();
                names.sort_unstable();
            }
        }
        names
    };
    assert_eq!(names(), ["farm a.pem"]);
    folder.put("a.pem", leaf("a.example.com").pem());
    assert_eq!(names(), ["farm a.example.com ECDSA"]);
    fs::remove_file(folder.path("a.pem")).unwrap();
    assert_eq!(
        names(),
        ["farm", "farm a.example.com ECDSA"],
        "that is a loss"
    );
    folder.put("a.pem", leaf("a.example.com").pem());
    assert_eq!(names(), ["farm a.example.com ECDSA"]);
}

#[test]
fn a_file_that_did_not_change_is_not_judged_again() {
    let folder = Folder::new();
    folder.put("a.pem", leaf(HOST).pem());
    let config = folder.watching("a.pem", "");
    let mut cache = Cache::default();
    let seen = |cache: &mut Cache| {
        let scan = scan::files(&config, &[], cache, mint::now());
        match scan.sightings[0].seen.clone().unwrap() {
            Seen::Chain(chain) => chain,
            Seen::Account(_) | Seen::Crl(_) | Seen::Dates { .. } => panic!("no chain"),
        }
    };
    let (first, second) = (seen(&mut cache), seen(&mut cache));
    assert!(Arc::ptr_eq(&first, &second));
    folder.put("new.pem", leaf(HOST).pem());
    fs::rename(folder.path("new.pem"), folder.path("a.pem")).unwrap();
    assert_ne!(seen(&mut cache).leaf(), first.leaf());
}

#[test]
fn a_key_of_another_certificate_is_found() {
    let folder = Folder::new();
    let (one, two) = (leaf(HOST), leaf(HOST));
    folder.put("chain.pem", one.pem());
    folder.put("key.pem", two.key_pem());
    fs::set_permissions(folder.path("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        r#"
        [[pool]]
        name = "xsp"
        upstream = [{{ name = "one", url = "http://127.0.0.1:9" }}]
        [[listener]]
        name = "public"
        addresses = ["127.0.0.1:0"]
        [[listener.host]]
        names = ["{HOST}"]
        certificates = [{{ chain = "{}", key = "file:{}" }}]
        "#,
        folder.path("chain.pem"),
        folder.path("key.pem")
    );
    let config = from_text(&text).unwrap();
    let found = |config: &Config| {
        let scan = look(config);
        let Ok(Seen::Chain(chain)) = &scan.sightings[0].seen else {
            panic!("{:?}", scan.sightings[0]);
        };
        let findings = chain.findings().iter();
        findings.map(|finding| finding.word()).collect::<Vec<_>>()
    };
    assert!(found(&config).contains(&"key-mismatch"));
    folder.put("key.pem", one.key_pem());
    assert!(!found(&config).contains(&"key-mismatch"));
}

#[test]
fn each_anchor_of_a_set_is_watched_and_an_old_one_knows_its_successor() {
    let folder = Folder::new();
    let (old, new) = (mint::Webex::of(2021), mint::Webex::of(2026));
    folder.put("2021.txt", old.pem());
    folder.put("2026.txt", new.pem());
    let config = config(&format!(
        "[[trust]]\nname = \"webex\"\ndirectory = \"{}\"\n",
        folder.path("")
    ));
    let scan = look(&config);
    assert_eq!(scan.sightings.len(), 4);
    let superseded = scan.sightings.iter().filter(|held| held.watched.superseded);
    assert_eq!(superseded.count(), 2);
    assert!(
        scan.sightings
            .iter()
            .all(|held| held.watched.id.as_str().ends_with(" of webex"))
    );
    fs::set_permissions(folder.path("2021.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    folder.put("2021.txt", "cut off");
    let scan = look(&config);
    assert!(words(&scan).contains(&("webex".to_owned(), "unknown-format")));
}

/// A server that presents one certificate; with `ask`, it wants one of the client.
async fn server(minted: &Minted, ask: bool) -> (u16, Tasks) {
    let key = PrivateKeyDer::from_pem_slice(minted.key_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if ask {
        let mut roots = rustls::RootCertStore::empty();
        let root = Minted::root(mint::ca("Client CA"));
        roots.add(root.der.into()).unwrap();
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let config = builder
        .with_single_cert(vec![minted.der.clone().into()], key)
        .unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let (tasks, acceptor) = (Tasks::new(), TlsAcceptor::from(Arc::new(config)));
    let (stop, held) = (tasks.stop(), tasks.clone());
    tasks.worker("server", async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Ok((stream, _)) = socket.accept() => {
                    let acceptor = acceptor.clone();
                    held.connection(async move { drop(acceptor.accept(stream).await) });
                }
            }
        }
    });
    (port, tasks)
}

fn target(port: u16, manner: Manner) -> Target {
    Target {
        host: "127.0.0.1".to_owned(),
        port,
        name: HOST.to_owned(),
        manner,
    }
}

#[tokio::test]
async fn what_a_peer_presents_is_seen_whatever_it_asks_for() {
    let minted = leaf(HOST);
    for ask in [false, true] {
        let (port, tasks) = server(&minted, ask).await;
        for manner in [Manner::Complete, Manner::Glance] {
            let presented = probe::ask(&target(port, manner), &Glances::default(), LONG).await;
            assert_eq!(presented, Ok(vec![minted.der.clone()]), "{ask} {manner:?}");
        }
        tasks.stop().cancel();
        tasks.join().await;
    }
}

async fn ask(port: u16, patience: Duration) -> Result<Vec<Vec<u8>>, SourceFault> {
    probe::ask(
        &target(port, Manner::Complete),
        &Glances::default(),
        patience,
    )
    .await
}

#[tokio::test]
async fn peers_that_are_none_are_named() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let asked = ask(port, Duration::from_millis(50)).await;
    assert_eq!(asked, Err(SourceFault::Timeout));
    drop(silent);
    let asked = ask(port, LONG).await;
    assert_eq!(asked, Err(SourceFault::ConnectionRefused));
    let rude = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = rude.local_addr().unwrap().port();
    let answer = async {
        let (mut stream, _) = rude.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example.com\r\n")
            .await
            .unwrap();
    };
    let (asked, ()) = tokio::join!(ask(port, LONG), answer);
    assert_eq!(asked, Err(SourceFault::NoHandshake));
}

/// No alarm was on before the start.
fn nothing_known() -> Known {
    Box::pin(async { Vec::new() })
}

#[tokio::test]
async fn a_certificate_that_is_replaced_but_not_served_is_observed() {
    let folder = Folder::new();
    let (old, new) = (leaf(HOST), leaf(HOST));
    folder.put("a.pem", old.pem());
    let (port, server) = server(&old, false).await;
    let config = folder.watching(
        "a.pem",
        &format!(
            "probe = [\"127.0.0.1:{port}\"]\nserver-name = \"{HOST}\"\n[watch]\npoll = \"100ms\"\n\
             debounce = \"10ms\"\n[certificates]\nprobe-interval = \"100ms\"\n\
             scan-interval = \"100ms\"\ndeploy-grace = \"0s\"\n"
        ),
    );
    let tasks = Tasks::new();
    let (observations, mut heard) = mpsc::channel(QUEUE);
    let ground = Ground {
        config: Arc::new(config),
        addresses: Vec::new(),
        tokens: Arc::new(Vec::new),
        known: nothing_known(),
        observations,
        metrics: Arc::clone(&crate::telemetry::Telemetry::new().certificates),
    };
    let desk = CertDesk::start(ground, &tasks);
    let mut until = async |present: bool| {
        let wanted = async {
            while let Some(observation) = heard.recv().await {
                let is = matches!(observation.condition, Condition::Present(_));
                if observation.key.name == AlarmName::CertificateNotDeployed && is == present {
                    return;
                }
            }
        };
        tokio::time::timeout(LONG, wanted).await.unwrap();
    };
    until(false).await;
    folder.put("a.pem", new.pem());
    until(true).await;
    folder.put("a.pem", old.pem());
    until(false).await;
    assert_eq!(desk.board().standings.len(), 1);
    tasks.stop().cancel();
    server.stop().cancel();
    tasks.join().await;
    server.join().await;
}

#[tokio::test]
async fn what_is_configured_no_more_is_over_once_everything_was_looked_at() {
    let key = AlarmKey::new(AlarmName::CertificateUnsuitable, "farm one.example.com");
    let before = Alarm {
        key: key.clone(),
        severity: Severity::Medium,
        step: String::new(),
        text: "It is weak.".to_owned(),
        rule: String::new(),
        ends: None,
        details: Vec::new(),
        since: clock::wall(),
        seen: clock::wall(),
        count: 1,
        identifier: 1,
        told: None,
        ack: None,
        flapping: false,
    };
    let tasks = Tasks::new();
    let (observations, mut heard) = mpsc::channel(QUEUE);
    let ground = Ground {
        config: Arc::new(config(
            "[certificates]\nprobe-interval = \"100ms\"\nscan-interval = \"100ms\"\n",
        )),
        addresses: Vec::new(),
        tokens: Arc::new(Vec::new),
        known: Box::pin(async { vec![before] }),
        observations,
        metrics: Arc::clone(&crate::telemetry::Telemetry::new().certificates),
    };
    let _desk = CertDesk::start(ground, &tasks);
    let mut said: Vec<bool> = Vec::new();
    let all = async {
        while said.iter().filter(|is_on| !**is_on).count() < 3 {
            let observation = heard.recv().await.unwrap();
            if observation.key == key {
                said.push(matches!(observation.condition, Condition::Present(_)));
            }
        }
    };
    tokio::time::timeout(LONG, all).await.unwrap();
    // It stays on until peers were asked, too.
    assert_eq!(said.first(), Some(&true), "{said:?}");
    tasks.stop().cancel();
    tasks.join().await;
}

#[tokio::test(start_paused = true)]
async fn files_that_hang_are_told_and_the_watch_goes_on() {
    let tasks = Tasks::new();
    let (observations, mut heard) = mpsc::channel(QUEUE);
    // The first look waits as for a file of a mount that went away.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let looks = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&looks);
    let ground = Ground {
        config: Arc::new(config("")),
        addresses: Vec::new(),
        tokens: Arc::new(move || {
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                held.lock().unwrap().recv().ok();
            }
            Vec::new()
        }),
        known: nothing_known(),
        observations,
        metrics: Arc::clone(&crate::telemetry::Telemetry::new().certificates),
    };
    let desk = CertDesk::start(ground, &tasks);
    let mut until = async |present: bool| loop {
        let observation = heard.recv().await.unwrap();
        let is = matches!(observation.condition, Condition::Present(_));
        if observation.key.object.as_str() == "all files" && is == present {
            return;
        }
    };
    // Paused time rests while a thread waits, so it is moved by hand.
    let pass = async || loop {
        tokio::time::advance(Duration::from_secs(30)).await;
        tokio::task::yield_now().await;
    };
    tokio::select! {
        () = until(true) => {}
        () = pass() => {}
    }
    // Dates are judged all the same.
    let mut board = desk.board.clone();
    tokio::select! {
        judged = board.wait_for(|board| board.at.is_some()) => drop(judged.unwrap()),
        () = pass() => {}
    }
    assert!(looks.load(Ordering::SeqCst) <= 1, "no second look is begun");
    release.send(()).unwrap();
    until(false).await;
    tasks.stop().cancel();
    tasks.join().await;
}

#[test]
fn timesyncd_is_believed_where_it_is() {
    let folder = Folder::new();
    let path = folder.path("");
    let path = Path::new(&path);
    let now = clock::wall();
    assert_eq!(timekeeping(path, now), Timekeeping::Lost);
    folder.put("synchronized", "");
    assert_eq!(timekeeping(path, now), Timekeeping::Kept);
    // The file stays when no server answers any more.
    let hours = |hours: u64| now + Duration::from_secs(hours * 3_600);
    assert_eq!(timekeeping(path, hours(1)), Timekeeping::Kept);
    assert_eq!(timekeeping(path, hours(3)), Timekeeping::Lost);
    assert_eq!(timekeeping(&path.join("none"), now), Timekeeping::Unknown);
}

#[test]
fn listeners_that_share_a_pair_of_files_have_one_certificate_that_covers_the_hosts_of_all() {
    let folder = Folder::new();
    folder.put("shared.pem", leaf(HOST).pem());
    folder.put("own.pem", leaf(HOST).pem());
    let listener = |name: &str, host: &str, chain: &str| {
        format!(
            "[[listener]]\nname = \"{name}\"\naddresses = [\"127.0.0.1:0\"]\n\
             [[listener.host]]\nnames = [\"{host}\"]\n\
             certificates = [{{ chain = \"{}\", key = \"file:{}\" }}]\n",
            folder.path(chain),
            folder.path("key.pem"),
        )
    };
    let config = config(
        &[
            listener("a", "one.example.com", "shared.pem"),
            listener("b", "two.example.com", "own.pem"),
            listener("c", "three.example.com", "shared.pem"),
        ]
        .concat(),
    );
    let all = entries::entries(&config);
    let of = |listener: &str| {
        let name = format!("listener.{listener}.host[0]");
        let mut all = all.iter().filter(|entry| *entry.name == *name);
        let first = all.next().unwrap().shared.clone();
        // What is served there is the same object as the file.
        assert!(all.all(|entry| entry.shared.id == first.id), "{listener}");
        (first.id.to_string(), first.hosts)
    };
    let both = vec!["one.example.com".to_owned(), "three.example.com".to_owned()];
    assert_eq!(
        of("a"),
        ("listener a one.example.com".to_owned(), both.clone())
    );
    assert_eq!(of("c"), ("listener a one.example.com".to_owned(), both));
    let alone = vec!["two.example.com".to_owned()];
    assert_eq!(of("b"), ("listener b two.example.com".to_owned(), alone));
}
