//! `xspd certs`: what is watched and when it ends; certificates of our own, from the request to the
//! proof that they are served, and back; an internal CA and the client certificate that the CTI
//! bridge shows to the XSPs.

mod activate;
mod bridge_client;
mod csr;
mod desk;
pub(super) mod failure;
mod import;
mod internal_ca;
mod list;
mod moment;
mod object;
mod place;
mod plan;
mod renew;
mod renew_bridge;
mod rollback;
mod rotate;
mod show;
mod staged;
mod watched;

use std::time::SystemTime;

use crate::cli::Console;
use crate::cli::Exit;
pub(super) use crate::cli::certs::activate::alive;
use crate::cli::certs::failure::Failure;
use crate::domain::certs::CertificateFacts;
use crate::platform::clock;
use crate::tls::authority;
use crate::tls::authority::Issued;

/// Arguments of `xspd certs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say what is wrong with what is watched, the worst first; exit code 0, 1 or 2
    Check(list::Args),
    /// Put what is staged into use, now or at a time, and prove that it is served
    Activate(activate::Args),
    /// Make a certificate request for a CA
    Csr(csr::Args),
    /// Take in what a CA delivered: check it, build its chain, stage it
    Import(import::Args),
    /// Make an internal CA: its certificate and its key
    InitInternalCa(internal_ca::Args),
    /// Issue the client certificate that the CTI bridge shows to the XSPs
    IssueBridgeClient(bridge_client::Args),
    /// List what is watched, what ends first first; exit code 0, 1 or 2
    List(list::Args),
    /// Propose when to renew: the window, and the last day to give notice
    Plan(plan::Args),
    /// Have an automatic certificate ordered anew: by ACME, or by the internal CA
    Renew(renew::Args),
    /// Replace the internal CA by another, in steps: prepare, activate, retire
    RotateInternalCa(rotate::Args),
    /// Put the certificate that was there before back into use
    Rollback(rollback::Args),
    /// Say all that is known of one thing that is watched, or what is in a file of certificates
    Show(show::Args),
    /// List what is staged, put off and kept to go back to, and what was done last
    Staged(staged::Args),
}

/// Kind of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum KeyType {
    /// NIST P-256
    EcdsaP256,
    /// NIST P-384
    EcdsaP384,
    /// RSA with 2048 bits
    Rsa2048,
    /// RSA with 3072 bits, for peers that know nothing else; takes a second
    Rsa3072,
    /// RSA with 4096 bits; takes some seconds
    Rsa4096,
}

impl From<KeyType> for authority::KeyType {
    fn from(key: KeyType) -> Self {
        match key {
            KeyType::EcdsaP256 => Self::EcdsaP256,
            KeyType::EcdsaP384 => Self::EcdsaP384,
            KeyType::Rsa2048 => Self::Rsa2048,
            KeyType::Rsa3072 => Self::Rsa3072,
            KeyType::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// Options of a new internal CA.
#[derive(Debug, clap::Args)]
struct NewCa {
    /// Of a new CA: its name; by default that of the one before, or "xspd internal CA"
    #[arg(long, value_name = "NAME", value_parser = common_name)]
    common_name: Option<String>,
    /// Of a new CA: how long it is good
    #[arg(long, value_name = "N", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=7300))]
    days: u32,
    /// Of a new CA: kind of its key
    #[arg(long, value_name = "KIND", value_enum, default_value = "ecdsa-p256")]
    key_type: KeyType,
}

impl NewCa {
    /// Makes it; `before` is the one that it is to replace.
    fn make(&self, before: Option<&CertificateFacts>, now: SystemTime) -> Result<Issued, Failure> {
        let held = before.and_then(CertificateFacts::common_name);
        let name = self.common_name.as_deref().or(held);
        let name = name.unwrap_or("xspd internal CA");
        let made = authority::new_ca(name, self.key_type.into(), self.days, now);
        made.map_err(Failure::Mint)
    }
}

/// What goes to standard output.
#[derive(Debug)]
enum Said {
    Document(serde_json::Value),
    Lines(Vec<String>),
    /// It is there already.
    Told(Exit),
    /// Either, with an exit code of its own.
    With(Exit, Box<Self>),
}

impl Said {
    fn told(self, console: Console) -> Exit {
        match self {
            Self::Document(document) => console.document(&document),
            Self::Lines(lines) => lines.iter().for_each(|line| console.line(line)),
            Self::Told(exit) => return exit,
            Self::With(exit, said) => {
                said.told(console);
                return exit;
            }
        }
        Exit::Ok
    }
}

/// Runs `xspd certs`.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    match run_at(args, console, clock::wall()) {
        Ok(said) => said.told(console),
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            failure.exit()
        }
    }
}

fn run_at(args: Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    match args.verb {
        Verb::Check(args) => Ok(Said::Told(list::check(&args, console, now)?)),
        Verb::List(args) => Ok(Said::Told(list::list(&args, console, now)?)),
        Verb::Plan(args) => Ok(Said::Told(plan::run(&args, console, now)?)),
        Verb::Activate(args) => activate::run(&args, console, now),
        Verb::Csr(args) => csr::run(&args, console, now),
        Verb::Import(args) => import::run(&args, console, now),
        Verb::InitInternalCa(args) => internal_ca::run(&args, console, now),
        Verb::IssueBridgeClient(args) => bridge_client::run(&args, console, now),
        Verb::Renew(args) => renew::run(&args, console, now),
        Verb::RotateInternalCa(args) => rotate::run(&args, console, now),
        Verb::Rollback(args) => rollback::run(&args, console, now),
        Verb::Show(args) => show::run(&args, console, now),
        Verb::Staged(args) => staged::run(&args, console),
    }
}

/// A common name: it is typed into command lines of BroadWorks and compared there.
fn common_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| matches!(byte, 0x20..=0x7e);
    let fits = (1..=authority::LONGEST_NAME).contains(&text.len());
    if fits && text.bytes().all(plain) && text.trim() == text {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "expected 1 to {} printable characters of ASCII, such as xspd-bridge.example.net",
            authority::LONGEST_NAME
        ))
    }
}

#[cfg(test)]
mod tests;
