//! Mints a whole set into an empty directory.

use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use rcgen::KeyPair;
use time::OffsetDateTime;

use super::BRIDGE;
use super::BRIDGE_IDENTITY;
use super::INTERNAL_CA;
use super::PUBLIC_CA;
use super::PUBLIC_ROOT;
use super::PkiError;
use super::STAND_IN;
use super::TRUST_FILE_STEM;
use super::authority::Authority;
use super::authority::Validity;
use super::certificate_name;
use super::key_name;
use super::leaf;
use super::leaf::Algorithm;
use super::leaf::Client;
use super::leaf::ServerKey;
use crate::platform::files;
use crate::tls::authority;
use crate::tls::authority::ClientRequest;
use crate::tls::authority::InternalCa;
use crate::tls::authority::Issued;
use crate::tls::authority::KeyType;

/// Subjects of the CA certificates that Partner Hub hands out
/// (Solution Guide, "Configure Trust for Authentication Service (with mTLS)").
const WEBEX_ROOT: &str = "Internal Private Root";
const WEBEX_ISSUING: &str = "Internal Private TLS SubCA";

const ROOT_YEARS: u32 = 10;
const ISSUING_YEARS: u32 = 5;
const LEAF_YEARS: u32 = 1;
const DAYS: u32 = 365;

/// Fills the directory; returns the name of the trust file.
pub(super) fn mint(
    directory: &Path,
    server_life: Option<Duration>,
    now: SystemTime,
) -> Result<String, PkiError> {
    mint_servers(directory, server_life, now)?;
    mint_bridge(directory, now)?;
    mint_clients(directory, now)
}

fn mint_servers(directory: &Path, life: Option<Duration>, now: SystemTime) -> Result<(), PkiError> {
    let root = Authority::root(
        "xspd lab public root",
        Algorithm::EcdsaP256,
        Validity::years(now, ROOT_YEARS),
    )?;
    let issuing = root.issuing(
        "xspd lab public issuing CA",
        Algorithm::EcdsaP256,
        Validity::years(now, ISSUING_YEARS),
    )?;
    write(directory, PUBLIC_ROOT, &root.pem(), files::PUBLIC)?;
    let (name, key) = (certificate_name(PUBLIC_CA), key_name(PUBLIC_CA));
    write(directory, &key, &issuing.key_pem(), files::PRIVATE)?;
    write(directory, &name, &issuing.pem(), files::PUBLIC)?;
    let year = Validity::years(now, LEAF_YEARS);
    let wanted = life.map_or(year, |life| Validity::lasting(now, life));
    let servers = ServerKey::ALL.map(|kind| (kind.file_stem(), kind, wanted));
    let stand_in = (STAND_IN, ServerKey::Ecdsa, year);
    for (stem, kind, validity) in servers.into_iter().chain([stand_in]) {
        let key = kind.algorithm().generate()?;
        let params = leaf::server(kind, validity)?;
        let chain = issuing.sign(&params, &key)? + &issuing.pem();
        write_pair(directory, stem, &chain, &key)?;
    }
    Ok(())
}

/// As `xspd certs` does it: an internal CA, and the bridge's certificate from it.
fn mint_bridge(directory: &Path, now: SystemTime) -> Result<(), PkiError> {
    let key = KeyType::EcdsaP256;
    let ca = authority::new_ca("xspd lab internal CA", key, ROOT_YEARS * DAYS, now)?;
    write_issued(directory, INTERNAL_CA, &ca)?;
    let ca = InternalCa::load(ca.certificate.as_bytes(), &ca.key, now)?;
    let request = ClientRequest {
        common_name: BRIDGE_IDENTITY,
        dns_names: &[],
        purpose: None,
        days: LEAF_YEARS * DAYS,
        key,
    };
    let bridge = ca.issue_client(&request, now)?;
    write_issued(directory, BRIDGE, &bridge)
}

fn write_issued(directory: &Path, stem: &str, issued: &Issued) -> Result<(), PkiError> {
    write(directory, &key_name(stem), &issued.key, files::PRIVATE)?;
    let name = certificate_name(stem);
    write(directory, &name, &issued.certificate, files::PUBLIC)
}

fn mint_clients(directory: &Path, now: SystemTime) -> Result<String, PkiError> {
    let (root, issuing) = webex_authorities(now)?;
    let (_, stranger) = webex_authorities(now)?;

    let trust_file_name = format!("{TRUST_FILE_STEM}{}.txt", OffsetDateTime::from(now).year());
    let both = root.pem() + &issuing.pem();
    write(directory, &trust_file_name, &both, files::PUBLIC)?;

    for kind in Client::ALL {
        let signer = match kind {
            Client::UnknownCa => &stranger,
            Client::Good
            | Client::Expired
            | Client::WrongName
            | Client::NoEku
            | Client::ServerAuthOnly
            | Client::LeafOnly
            | Client::Rsa => &issuing,
        };
        let validity = match kind {
            Client::Expired => Validity::past(now),
            Client::Good
            | Client::WrongName
            | Client::NoEku
            | Client::ServerAuthOnly
            | Client::UnknownCa
            | Client::LeafOnly
            | Client::Rsa => Validity::years(now, LEAF_YEARS),
        };
        let key = kind.algorithm().generate()?;
        let mut chain = signer.sign(&leaf::client(kind, validity)?, &key)?;
        if kind != Client::LeafOnly {
            chain += &signer.pem();
        }
        write_pair(directory, &kind.file_stem(), &chain, &key)?;
    }
    Ok(trust_file_name)
}

/// Webex's are RSA, as far as the sizes of the real files tell; 2048 bits so that a start does not
/// take seconds.
fn webex_authorities(now: SystemTime) -> Result<(Authority, Authority), rcgen::Error> {
    let key = Algorithm::Rsa2048;
    let root = Authority::root(WEBEX_ROOT, key, Validity::years(now, ROOT_YEARS))?;
    let issuing = root.issuing(WEBEX_ISSUING, key, Validity::years(now, ISSUING_YEARS))?;
    Ok((root, issuing))
}

fn write_pair(directory: &Path, stem: &str, chain: &str, key: &KeyPair) -> Result<(), PkiError> {
    write(
        directory,
        &key_name(stem),
        &key.serialize_pem(),
        files::PRIVATE,
    )?;
    write(directory, &certificate_name(stem), chain, files::PUBLIC)
}

fn write(directory: &Path, name: &str, text: &str, mode: u32) -> Result<(), PkiError> {
    let path = directory.join(name);
    files::write_atomic(&path, text.as_bytes(), mode)
        .map_err(|source| PkiError::file(&path, source))
}
