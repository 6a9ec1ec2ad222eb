//! `xspd certs`: what is watched and when it ends, and certificates of our own: an internal CA, the
//! client certificate that the CTI bridge shows to the XSPs.

mod bridge_client;
mod failure;
mod internal_ca;
mod list;
mod place;
mod plan;
mod show;
mod watched;

use std::time::SystemTime;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::certs::failure::Failure;
use crate::platform::clock;
use crate::tls::authority;

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
    /// Make an internal CA: its certificate and its key
    InitInternalCa(internal_ca::Args),
    /// Issue the client certificate that the CTI bridge shows to the XSPs
    IssueBridgeClient(bridge_client::Args),
    /// List what is watched, what ends first first; exit code 0, 1 or 2
    List(list::Args),
    /// Propose when to renew: the window, and the last day to give notice
    Plan(plan::Args),
    /// Say all that is known of one thing that is watched, or what is in a file of certificates
    Show(show::Args),
}

/// Kind of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum KeyType {
    /// NIST P-256
    EcdsaP256,
    /// NIST P-384
    EcdsaP384,
    /// RSA with 3072 bits, for peers that know nothing else; takes a second
    Rsa3072,
}

impl From<KeyType> for authority::KeyType {
    fn from(key: KeyType) -> Self {
        match key {
            KeyType::EcdsaP256 => Self::EcdsaP256,
            KeyType::EcdsaP384 => Self::EcdsaP384,
            KeyType::Rsa3072 => Self::Rsa3072,
        }
    }
}

/// What goes to standard output.
#[derive(Debug)]
enum Said {
    Document(serde_json::Value),
    Lines(Vec<String>),
    /// It is there already.
    Told(Exit),
}

/// Runs `xspd certs`.
#[must_use]
pub fn run(args: Args, console: Console) -> Exit {
    match run_at(args, console, clock::wall()) {
        Ok(Said::Document(document)) => console.document(&document),
        Ok(Said::Lines(lines)) => lines.iter().for_each(|line| console.line(line)),
        Ok(Said::Told(exit)) => return exit,
        Err(failure) => {
            console.complain(format_args!("xspd: {failure}"));
            return failure.exit();
        }
    }
    Exit::Ok
}

fn run_at(args: Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    match args.verb {
        Verb::Check(args) => Ok(Said::Told(list::check(&args, console, now)?)),
        Verb::List(args) => Ok(Said::Told(list::list(&args, console, now)?)),
        Verb::Plan(args) => Ok(Said::Told(plan::run(&args, console, now)?)),
        Verb::InitInternalCa(args) => internal_ca::run(&args, console, now),
        Verb::IssueBridgeClient(args) => bridge_client::run(&args, console, now),
        Verb::Show(args) => show::run(&args, console, now),
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
