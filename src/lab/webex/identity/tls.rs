//! TLS of the lab's Webex, with the lab's certificates; no settings to choose.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::lab::pki::Pair;
use crate::lab::webex::WebexError;

/// For whoever calls Webex: no client certificate is asked for.
pub(in crate::lab::webex) fn server(pair: &Pair) -> Result<Arc<ServerConfig>, WebexError> {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain(&pair.cert)?, key(&pair.key)?)?;
    Ok(Arc::new(config))
}

/// For calls to the provider, which must show a certificate that ends at `ca`.
pub(in crate::lab::webex) fn client(
    ca: &Path,
    own: Option<&Pair>,
) -> Result<Arc<ClientConfig>, WebexError> {
    let mut roots = RootCertStore::empty();
    for root in chain(ca)? {
        roots.add(root)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match own {
        Some(pair) => builder.with_client_auth_cert(chain(&pair.cert)?, key(&pair.key)?)?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, WebexError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| unreadable(path, source))
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, WebexError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: rustls_pki_types::pem::Error) -> WebexError {
    WebexError::File {
        path: path.to_owned(),
        source,
    }
}
