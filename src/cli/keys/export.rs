//! `xspd keys export`: the keys in a file that only the passphrase, or the receiving node, opens.

use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::json;

use crate::cli::Console;
use crate::cli::keys::Said;
use crate::cli::keys::directory;
use crate::cli::keys::directory::unreadable;
use crate::cli::keys::directory::unwritable;
use crate::cli::keys::failure::Failure;
use crate::cli::keys::place::Place;
use crate::cli::keys::secret_argument::SecretArgument;
use crate::cli::keys::transfer_file;
use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::domain::certs::pem;
use crate::jose::ClientKey;
use crate::jose::ClientKeyFault;
use crate::jose::KeyRing;
use crate::jose::Sealing;
use crate::jose::seal_keys;
use crate::platform::files;

/// Shortest passphrase in bytes: the file may lie around, and guessing costs only computers.
const PASSPHRASE_BYTES: usize = 12;

/// Arguments of `xspd keys export`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Where to write; without it, the file goes to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    recipient: Recipient,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Recipient {
    /// Where the passphrase lies: file:/path, env:NAME or cred:NAME
    #[arg(long, value_name = "SECRET", value_parser = SecretArgument)]
    passphrase: Option<SecretRef>,
    /// PEM file with the RSA certificate of the node that shall import the keys
    #[arg(long, value_name = "FILE")]
    to_certificate: Option<PathBuf>,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let settings = args.place.settings()?;
    let set = directory::read_present(&settings.directory)?;
    // A damaged key must not travel.
    KeyRing::from_set(&set, now).map_err(|fault| Failure::BadKeyFile {
        path: settings.directory.join(directory::KEY_FILE),
        fault,
    })?;
    let key_file = set.to_json().map_err(|error| {
        let path = args.out.as_deref().unwrap_or_else(|| Path::new("-"));
        unwritable(path, error.into())
    })?;
    let sealed = match (&args.recipient.passphrase, &args.recipient.to_certificate) {
        (Some(passphrase), _) => {
            let secret = passphrase.read()?;
            let passphrase = passphrase_of(&secret);
            if passphrase.len() < PASSPHRASE_BYTES {
                return Err(Failure::ShortPassphrase(PASSPHRASE_BYTES));
            }
            seal_keys(&key_file, Sealing::Passphrase(passphrase))?
        }
        (None, Some(path)) => seal_keys(&key_file, Sealing::Recipient(&recipient(path)?))?,
        // The command line demands one of them.
        (None, None) => return Err(Failure::ShortPassphrase(PASSPHRASE_BYTES)),
    };
    let text = transfer_file::write(&set, now, &sealed);
    let Some(out) = &args.out else {
        return Ok(Said::Lines(vec![text.trim_end().to_owned()]));
    };
    files::write_atomic(out, text.as_bytes(), files::PRIVATE)
        .map_err(|source| unwritable(out, source))?;
    let generation = set.generation();
    if console.json {
        return Ok(Said::Document(
            json!({ "file": out, "generation": generation }),
        ));
    }
    Ok(Said::Lines(vec![
        format!("Written: {}, generation {generation}", out.display()),
        "Next, on every other node: xspd keys import, with the same passphrase or the private key \
         of the certificate. Then delete the file."
            .to_owned(),
    ]))
}

/// Without the line end that editors and `echo` leave.
pub(super) fn passphrase_of(secret: &Secret) -> &[u8] {
    let bytes = secret.expose();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// The key in the first certificate of a PEM file.
fn recipient(path: &Path) -> Result<ClientKey, Failure> {
    let bad = |fault| Failure::BadCertificate {
        path: path.to_owned(),
        fault,
    };
    let text = crate::tls::pem::read_bounded(path)
        .map_err(|error| unreadable(path, std::io::Error::other(error)))?;
    let blocks = pem::blocks(&text, 16);
    let certificate = blocks
        .into_iter()
        .find(|block| block.label == "CERTIFICATE");
    let der = certificate.and_then(|block| block.content.ok());
    let der = der.ok_or_else(|| bad(ClientKeyFault::NotAKey))?;
    let (_, certificate) =
        x509_parser::parse_x509_certificate(&der).map_err(|_| bad(ClientKeyFault::NotAKey))?;
    ClientKey::from_bytes(certificate.public_key().raw).map_err(bad)
}
