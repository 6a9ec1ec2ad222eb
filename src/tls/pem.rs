//! From files to proven key material: a pair that does not fit never gets further than here.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::config::CertificateFiles;
use crate::domain::certs::chain;
use crate::domain::certs::chain_problem::ChainProblem;
use crate::domain::certs::chain_problem::Severity;
use crate::domain::certs::timeliness::Timeliness;
use crate::domain::ids::Fingerprint;
use crate::tls::error::TlsError;

/// No chain or trust file is larger; Partner Hub's file is about 4 KiB.
pub const FILE_LIMIT: u64 = 1024 * 1024;

/// A certificate and key that were proven to fit together.
#[derive(Debug, Clone)]
pub struct Proven {
    /// What rustls presents.
    pub certified: Arc<CertifiedKey>,
    /// What an operator should hear about although it does not stop us.
    pub warnings: Vec<ChainProblem>,
    /// What is wrong with its dates alone; whether it is presented all the same depends on what
    /// else there is.
    pub out_of_date: Vec<ChainProblem>,
}

/// Reads a file of certificates, bounded.
///
/// # Errors
/// Unreadable, or larger than [`FILE_LIMIT`].
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size <= FILE_LIMIT) {
        Ok(bytes)
    } else {
        Err(TlsError::TooLarge {
            path: path.to_owned(),
            limit: FILE_LIMIT,
        })
    }
}

/// Reads a chain and its key and proves them: both parse, the key fits, the chain is in order and
/// meant for a server. How it stands against its dates is told beside it.
///
/// # Errors
/// Anything but a date that would make clients refuse us; see [`TlsError`].
pub fn load_server(
    files: &CertificateFiles,
    names: &[String],
    provider: &CryptoProvider,
    now: SystemTime,
) -> Result<Proven, TlsError> {
    let chain = load_chain(&files.chain)?;
    let key = load_key(files)?;
    let (mut warnings, mut out_of_date) = (Vec::new(), Vec::new());
    for problem in chain::judge(&chain, names, now).problems {
        match problem.severity() {
            Severity::Warn => warnings.push(problem),
            Severity::Refuse if problem.is_about_dates() => out_of_date.push(problem),
            Severity::Refuse => {
                return Err(TlsError::Chain {
                    path: files.chain.clone(),
                    problem,
                });
            }
        }
    }
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            path: files.chain.clone(),
            reference: files.key.to_string(),
        },
        other => TlsError::BadKey {
            reference: files.key.to_string(),
            detail: other.to_string(),
        },
    })?;
    Ok(Proven {
        certified: Arc::new(certified),
        warnings,
        out_of_date,
    })
}

/// How a chain that is in use stands against its dates.
#[must_use]
pub fn timeliness(held: &CertifiedKey, now: SystemTime) -> Timeliness {
    let no_hosts: [&str; 0] = [];
    Timeliness::of(&chain::judge(&held.cert, &no_hosts, now).problems)
}

/// Reads the certificates of a PEM file, leaf first as written.
///
/// # Errors
/// Unreadable, too large, or without a certificate.
pub fn load_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read_bounded(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) | Err(_) => Err(TlsError::NoCertificate {
            path: path.to_owned(),
        }),
    }
}

/// Reads the private key.
///
/// # Errors
/// Unreadable, or no key that we can use.
pub fn load_key(files: &CertificateFiles) -> Result<PrivateKeyDer<'static>, TlsError> {
    let reference = files.key.to_string();
    let secret = files.key.read().map_err(|source| TlsError::Secret {
        reference: reference.clone(),
        source,
    })?;
    PrivateKeyDer::from_pem_slice(secret.expose()).map_err(|error| TlsError::BadKey {
        reference,
        detail: error.to_string(),
    })
}

/// SHA-256 of the public half of a key, to tell whether a certificate is for it; `None` when the
/// library does not say.
///
/// # Errors
/// As [`load_key`].
pub fn key_spki(files: &CertificateFiles) -> Result<Option<[u8; 32]>, TlsError> {
    let key = load_key(files)?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| TlsError::BadKey {
            reference: files.key.to_string(),
            detail: error.to_string(),
        })?;
    let public = key.public_key();
    Ok(public.map(|spki| *Fingerprint::of(spki.as_ref()).as_bytes()))
}
