//! Who may use whom: the one table, and the purity of `domain`.

use crate::rules::source;
use crate::rules::source::Source;

/// A room and the rooms that it may use.
struct Room {
    name: &'static str,
    uses: &'static [&'static str],
}

/// The rooms, top first. A new edge needs a reason: either the row says it all (it points
/// downwards), or it stands in [`EDGES`].
const ROOMS: &[Room] = &[
    Room {
        name: "main",
        uses: &["cli", "platform"],
    },
    Room {
        name: "cli",
        uses: &[
            "app",
            "lab",
            "inbound",
            "workers",
            "outbound",
            "store",
            "jose",
            "tls",
            "telemetry",
            "config",
            "domain",
            "platform",
        ],
    },
    Room {
        name: "app",
        uses: &[
            "inbound",
            "workers",
            "outbound",
            "store",
            "jose",
            "tls",
            "telemetry",
            "config",
            "domain",
            "platform",
        ],
    },
    // The stand-in speaks the protocols itself: sharing the daemon's inbound and outbound would
    // hide a mistake from every test that runs against it.
    Room {
        name: "lab",
        uses: &["tls", "telemetry", "config", "domain", "platform"],
    },
    Room {
        name: "inbound",
        uses: &[
            "workers",
            "outbound",
            "store",
            "jose",
            "tls",
            "telemetry",
            "config",
            "domain",
            "platform",
        ],
    },
    Room {
        name: "workers",
        uses: &[
            "outbound",
            "store",
            "jose",
            "tls",
            "telemetry",
            "config",
            "domain",
            "platform",
        ],
    },
    Room {
        name: "outbound",
        uses: &["jose", "tls", "telemetry", "config", "domain", "platform"],
    },
    Room {
        name: "store",
        uses: &["config", "domain", "platform"],
    },
    Room {
        name: "tls",
        uses: &["telemetry", "config", "domain", "platform"],
    },
    // The lab must not use it: it speaks the formats by itself, for the same reason.
    Room {
        name: "jose",
        uses: &["config", "domain", "platform"],
    },
    Room {
        name: "telemetry",
        uses: &["config", "domain", "platform"],
    },
    Room {
        name: "config",
        uses: &["domain"],
    },
    Room {
        name: "platform",
        uses: &[],
    },
    Room {
        name: "domain",
        uses: &[],
    },
];

/// One file may use one module that its room may not.
struct Edge {
    file: &'static str,
    module: &'static str,
    reason: &'static str,
}

const EDGES: &[Edge] = &[
    Edge {
        file: "src/platform/clock.rs",
        module: "domain::machine",
        reason: "the clock makes `Now`, the form in which time enters the domain",
    },
    Edge {
        file: "src/workers/auth_desk/tests/setup.rs",
        module: "lab::broadworks",
        reason: "tests run the real client against the lab's Application Server",
    },
];

/// What `domain` may not name, and why.
const IMPURE: &[(&str, &str)] = &[
    ("tokio", "no async runtime"),
    ("hyper", "no HTTP connections"),
    ("tracing", "no logging"),
    ("async", "no waiting"),
    ("std::fs", "no files"),
    ("std::net::TcpListener", "no sockets"),
    ("std::net::TcpStream", "no sockets"),
    ("std::net::UdpSocket", "no sockets"),
    ("std::os", "nothing of one operating system"),
    ("std::env", "no environment"),
    ("std::process", "no processes"),
    ("std::thread", "no threads"),
    ("SystemTime::now", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("OffsetDateTime::now_utc", "time is an argument"),
];

/// A path of ours found in a source.
#[derive(Debug, PartialEq, Eq)]
struct Use {
    /// `tls::live`, as many names as were written.
    path: String,
    offset: usize,
}

impl Use {
    fn room(&self) -> &str {
        self.path.split("::").next().unwrap_or_default()
    }
}

#[test]
fn rooms_use_only_what_stands_below_them() {
    expect_none(source::below("src").iter().flat_map(broken_layers));
}

#[test]
fn every_folder_of_src_is_a_room() {
    let missing = source::below("src")
        .iter()
        .map(|source| source.module()[0].to_owned())
        .filter(|name| name != "lib" && room(name).is_none())
        .map(|name| format!("src/{name} is not in ROOMS"))
        .collect::<Vec<_>>();
    expect_none(missing.into_iter());
}

#[test]
fn every_room_has_a_row_in_the_map() {
    let sources = source::below("src");
    let map = sources.iter().find(|source| source.path == "src/lib.rs");
    let map = &map.expect("the map").text;
    let missing = ROOMS
        .iter()
        .map(|room| room.name)
        .filter(|name| *name != "main" && !map.contains(&format!("//! | [`{name}`] | ")))
        .map(|name| format!("src/lib.rs has no row for {name}"));
    expect_none(missing);
}

#[test]
fn every_exceptional_edge_has_a_reason_and_is_needed() {
    let sources = source::below("src");
    for edge in EDGES {
        let source = sources.iter().find(|source| source.path == edge.file);
        let uses = source.map(our_paths).unwrap_or_default();
        assert!(
            uses.iter().any(|used| used.path.starts_with(edge.module)),
            "{} no longer uses {}: remove the edge ({})",
            edge.file,
            edge.module,
            edge.reason
        );
    }
}

#[test]
fn domain_is_pure() {
    let domain = source::below("src/domain");
    expect_none(domain.iter().flat_map(impurities));
}

fn expect_none(broken: impl Iterator<Item = String>) {
    let broken: Vec<_> = broken.collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

fn room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

fn broken_layers(source: &Source) -> Vec<String> {
    let own = source.module()[0];
    // lib.rs declares the rooms and uses none.
    let allowed = room(own).map_or(&[][..], |room| room.uses);
    our_paths(source)
        .iter()
        .filter(|used| used.room() != own && !allowed.contains(&used.room()))
        .filter(|used| {
            !EDGES
                .iter()
                .any(|edge| edge.file == source.path && used.path.starts_with(edge.module))
        })
        .map(|used| {
            let line = source.line(used.offset);
            let path = &used.path;
            format!("{}:{line}: {own} may not use {path}", source.path)
        })
        .collect()
}

/// Every path into the crate: `crate::…`, `xspd::…` (in main.rs) and `super::…` that leaves the
/// room.
fn our_paths(source: &Source) -> Vec<Use> {
    let mut found = Vec::new();
    for start in ["crate::", "xspd::", "super::"] {
        for (offset, _) in source.code.match_indices(start) {
            let before = source.code[..offset].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let written = path_at(&source.code[offset..]);
            let path = match start {
                "super::" => from_parents(source, &written),
                _ => written[start.len()..].to_owned(),
            };
            found.push(Use { path, offset });
        }
    }
    found
}

fn path_at(code: &str) -> String {
    code.chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
        .collect()
}

/// Turns `super::super::x` into a path from the root of the crate.
fn from_parents(source: &Source, written: &str) -> String {
    let mut module = source.module();
    let mut rest = written;
    while let Some(after) = rest.strip_prefix("super::") {
        module.pop();
        rest = after;
    }
    module.extend(rest.split("::"));
    module.join("::")
}

fn impurities(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (name, rule) in IMPURE {
        for (offset, _) in source.code.match_indices(name) {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let before = source.code[..offset].chars().next_back();
            let after = source.code[offset + name.len()..].chars().next();
            if !before.is_some_and(word) && !after.is_some_and(word) {
                let line = source.line(offset);
                found.push(format!("{}:{line}: {name}: {rule}", source.path));
            }
        }
    }
    found
}

#[test]
fn the_layering_rule_can_fail() {
    let broken = |path: &str, text: &str| broken_layers(&Source::new(path, text)).len();
    assert_eq!(
        broken("src/tls/live.rs", "use crate::inbound::peer::Peer;"),
        1
    );
    assert_eq!(
        broken("src/tls/live.rs", "fn f() { crate::app::run(); }"),
        1
    );
    assert_eq!(
        broken("src/tls/live.rs", "use super::super::workers::x;"),
        1
    );
    assert_eq!(broken("src/tls/mod.rs", "use super::workers::x;"), 1);
    assert_eq!(
        broken("src/inbound/http/body.rs", "use crate::lab::pki;"),
        1
    );
    assert_eq!(broken("src/app/mod.rs", "use crate::lab::pki;"), 1);
    assert_eq!(
        broken("src/platform/tasks.rs", "use crate::domain::machine::Now;"),
        1
    );
    assert_eq!(broken("src/tls/live.rs", "use crate::{inbound, app};"), 1);
    assert_eq!(broken("src/main.rs", "fn main() { xspd::lab::run() }"), 1);
}

#[test]
fn the_layering_rule_lets_pass_what_is_right() {
    let fine = "//! [`crate::app`]\nuse crate::domain::ids::Fingerprint;\nuse super::client::Client;\n\
                #[cfg(test)]\nmod tests {\n    use crate::app::run;\n}\n";
    let source = Source::new("src/tls/live.rs", fine);
    assert_eq!(broken_layers(&source), Vec::<String>::new());
    let paths: Vec<_> = our_paths(&source).into_iter().map(|u| u.path).collect();
    assert_eq!(paths, ["domain::ids::Fingerprint", "tls::client::Client"]);
}

#[test]
fn the_purity_rule_can_fail() {
    let text = "use std::time::Instant;\nfn f() { Instant::now(); }\nuse std::fs::File;\n\
                fn g(x: asynchronous) {}\nuse std::net::TcpStream;\nuse std::net::IpAddr;\n";
    let found = impurities(&Source::new("src/domain/ids.rs", text));
    let lines: Vec<_> = found
        .iter()
        .filter_map(|text| text.split(':').nth(1))
        .collect();
    assert_eq!(lines, ["3", "5", "2"]);
}
