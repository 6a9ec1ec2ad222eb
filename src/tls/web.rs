//! TLS towards services on the Internet, Webex first of all: by the public roots that are built
//! in, or by those of a file. Listeners and upstream pools never use the built-in ones.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;

use crate::tls::client::ClientTlsError;
use crate::tls::client::read_anchors;

/// TLS 1.2 or 1.3, HTTP/1.1 by ALPN; chain and name are always checked. `ca` is a PEM file whose
/// certificates are believed instead of the public roots; reading it blocks.
///
/// # Errors
/// The file cannot be read or used; the text says what to do.
pub fn web_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, ClientTlsError> {
    let anchors = match ca {
        None => public_roots(),
        Some(path) => read_anchors(path)?,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(ClientTlsError::Versions)?
        .with_root_certificates(anchors)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The same for what is not HTTP.
///
/// # Errors
/// As [`web_config`].
pub fn stream_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, ClientTlsError> {
    let mut config = Arc::unwrap_or_clone(web_config(ca)?);
    config.alpn_protocols.clear();
    Ok(Arc::new(config))
}

fn public_roots() -> RootCertStore {
    RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Solution Guide names the two roots that Webex's servers chain to.
    #[test]
    fn the_public_roots_hold_those_of_webex() {
        for name in [
            "IdenTrust Commercial Root CA 1",
            "Go Daddy Root Certificate Authority - G2",
        ] {
            let held = public_roots().roots.iter().any(|root| {
                let subject = root.subject.as_ref();
                subject
                    .windows(name.len())
                    .any(|window| window == name.as_bytes())
            });
            assert!(held, "{name} is missing");
        }
    }

    #[test]
    fn a_missing_file_is_an_error_and_not_the_public_roots() {
        let path = Path::new("/nowhere/ca.pem");
        let error = web_config(Some(path)).unwrap_err().to_string();
        assert!(error.contains("/nowhere/ca.pem"), "{error}");
    }
}
