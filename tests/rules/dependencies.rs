//! What may be linked. cargo-deny holds the whole policy (`.deny.toml`); these are the rules that
//! must hold even where it is not installed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::rules::source;

/// Crates of which two versions would mean two TLS or two HTTP stacks.
const ONCE: [&str; 7] = [
    "aws-lc-rs",
    "hyper",
    "rustls",
    "rustls-pki-types",
    "rustls-webpki",
    "tokio-rustls",
    "x509-parser",
];

/// Other people's cryptography. aws-lc-rs is the one library.
const BANNED: [&str; 7] = [
    "native-tls",
    "openssl",
    "openssl-sys",
    "ring",
    "rustls-platform-verifier",
    "schannel",
    "security-framework",
];

/// The built-in public roots are believed in one home: towards services on the Internet. Whom
/// listeners and upstream pools believe is written in the configuration. The other one only knows
/// them again in a chain of ours, and believes nobody by them.
const PUBLIC_ROOTS: (&str, [&str; 2]) = (
    "webpki_roots",
    ["src/domain/certs/roots.rs", "src/tls/web.rs"],
);

#[test]
fn the_public_roots_are_used_in_their_homes_alone() {
    let (name, homes) = PUBLIC_ROOTS;
    let users: Vec<_> = ["src", "tests", "benches"]
        .into_iter()
        .flat_map(source::below)
        .filter(|source| source.code.contains(name))
        .map(|source| source.path)
        .collect();
    assert_eq!(users, homes);
}

/// Named by Cargo.lock and never built: rustls-webpki (`ring?/alloc`) and instant-acme
/// (`hyper-rustls?/aws-lc-rs`, with all that it needs on any system) have them as weak optional
/// dependencies, which the lock file cannot tell from real ones. What is built, on whatever system,
/// is checked by [`only_one_cryptographic_library_is_built`].
const LOCKED_BUT_NEVER_BUILT: [&str; 4] = [
    "ring",
    "rustls-platform-verifier",
    "schannel",
    "security-framework",
];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn only_one_cryptographic_library_is_built() {
    let built = built_crates();
    assert!(built.contains("rustls"), "cargo tree lists {built:?}");
    let banned: Vec<_> = BANNED
        .iter()
        .filter(|name| built.contains(**name))
        .collect();
    assert!(banned.is_empty(), "banned crates are built: {banned:?}");
}

/// Names of all crates that a build of every target on any system takes in.
fn built_crates() -> BTreeSet<String> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .current_dir(source::root())
        .args(["tree", "--locked", "--offline", "--prefix", "none"])
        .args(["--edges", "normal,build,dev", "--format", "{p}"])
        .args(["--target", "all"])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_lock_file_names_no_banned_crate_and_no_second_stack() {
    let lock = fs::read_to_string(source::root().join("Cargo.lock")).expect("Cargo.lock");
    assert_eq!(complaints(&lock), Vec::<String>::new());
}

fn complaints(lock: &str) -> Vec<String> {
    let lock: toml::Table = lock.parse().expect("a lock file is TOML");
    let packages = lock["package"].as_array().expect("a list of packages");
    let mut versions = BTreeMap::<&str, usize>::new();
    let mut found = Vec::new();
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        *versions.entry(name).or_default() += 1;
        match package.get("source").and_then(toml::Value::as_str) {
            None | Some(CRATES_IO) => {}
            Some(other) => found.push(format!("{name} comes from {other}")),
        }
    }
    for name in BANNED
        .iter()
        .filter(|n| !LOCKED_BUT_NEVER_BUILT.contains(n))
    {
        if versions.contains_key(name) {
            found.push(format!("{name} is banned"));
        }
    }
    for name in ONCE {
        let count = versions.get(name).copied().unwrap_or_default();
        if count != 1 {
            found.push(format!("{name} is there {count} times"));
        }
    }
    found
}

#[test]
fn the_lock_file_rule_can_fail() {
    let package = |name: &str, source: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"{source}\"\n")
    };
    let mut lock: String = ONCE.iter().map(|name| package(name, CRATES_IO)).collect();
    assert_eq!(complaints(&lock), Vec::<String>::new());
    lock.push_str(&package("rustls", CRATES_IO));
    lock.push_str(&package("openssl-sys", CRATES_IO));
    lock.push_str(&package("x", "git+https://example.net/x"));
    assert_eq!(
        complaints(&lock),
        [
            "x comes from git+https://example.net/x",
            "openssl-sys is banned",
            "rustls is there 2 times"
        ]
    );
}
