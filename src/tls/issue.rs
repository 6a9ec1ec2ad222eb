//! Certificates we make ourselves.
//!
//! BroadWorks makes a self-signed certificate, valid one year, when an interface is first secured
//! (Solution Guide, "Order certificates"); so do we, so that a first start shows something. It is
//! kept on disk, made once, and flagged until a real one takes its place.

use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;

use crate::config::CertificateFiles;
use crate::config::Listener;
use crate::config::secret::SecretRef;
use crate::domain::certs::CertificateFacts;
use crate::platform::files;
use crate::tls::error::TlsError;
use crate::tls::pem;

/// Validity of a self-signed certificate, counted from the day it is made.
const ONE_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// Allowance for a peer whose clock is behind.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// The self-signed certificate of a host, made now unless there is one that is still in its dates.
/// Chain and key share one file, so that they can never be of two minds.
///
/// # Errors
/// When the state directory cannot be written.
pub fn self_signed(
    state: &Path,
    listener: &Listener,
    names: &[String],
    now: SystemTime,
) -> Result<CertificateFiles, TlsError> {
    let failed = |detail: String| TlsError::SelfSigned {
        listener: listener.name.clone(),
        detail,
    };
    let directory = state.join("self-signed");
    let path = directory.join(format!("{}.pem", file_stem(&listener.name, names)));
    if !is_in_use(&path, now) {
        let (chain, key) = mint(names, now).map_err(|error| failed(error.to_string()))?;
        files::create_private_dir(&directory)
            .and_then(|()| files::write_atomic(&path, format!("{chain}{key}").as_bytes(), 0o600))
            .map_err(|error| failed(format!("{}: {error}", path.display())))?;
    }
    Ok(CertificateFiles {
        chain: path.clone(),
        key: SecretRef::File(path),
    })
}

/// Whether a certificate is there and has not ended.
fn is_in_use(path: &Path, now: SystemTime) -> bool {
    let Ok(chain) = pem::load_chain(path) else {
        return false;
    };
    let facts = chain.first().map(|leaf| CertificateFacts::parse(leaf));
    matches!(facts, Some(Ok(facts)) if facts.not_after > now)
}

fn mint(names: &[String], now: SystemTime) -> Result<(String, String), rcgen::Error> {
    let names: Vec<String> = names.iter().filter(|name| *name != "*").cloned().collect();
    let subject = names
        .first()
        .cloned()
        .unwrap_or_else(|| "localhost".to_owned());
    let sans = if names.is_empty() {
        vec![subject.clone()]
    } else {
        names
    };
    let mut parameters = CertificateParams::new(sans)?;
    parameters
        .distinguished_name
        .push(DnType::CommonName, subject);
    parameters.not_before = (now - CLOCK_SKEW).into();
    parameters.not_after = (now + ONE_YEAR).into();
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// A file name made of the listener and its first name; anything unusual becomes `_`.
fn file_stem(listener: &str, names: &[String]) -> String {
    let first = names.first().map_or("default", String::as_str);
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-.".contains(c) {
            c
        } else {
            '_'
        }
    };
    format!("{listener}-{first}").chars().map(plain).collect()
}
