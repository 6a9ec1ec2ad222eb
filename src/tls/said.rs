//! What rustls says of a failure, as it is told to operators: its sentences may end in a link into
//! its manual, which is for programmers.

use std::fmt::Display;

/// Where such a link begins.
const LINK: &str = "https://docs.rs/";

/// The error without links.
#[must_use]
pub fn said(error: &dyn Display) -> String {
    let mut text = error.to_string();
    while let Some(begin) = text.find(LINK) {
        let link = text.get(begin..).unwrap_or_default();
        let length = link.find(char::is_whitespace).unwrap_or(link.len());
        let rest = link.get(length..).unwrap_or_default().to_owned();
        let before = text.get(..begin).unwrap_or_default();
        let before = before.trim_end_matches([':', ' ', '(']);
        text = format!("{before}{rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_link_into_the_manual_is_left_out_and_the_rest_is_not() {
        for (told, expected) in [
            ("broken pipe", "broken pipe"),
            ("no end: https://docs.rs/rustls/x#y", "no end"),
            (
                "a: https://docs.rs/x and https://docs.rs/y then",
                "a and then",
            ),
            (
                "see https://status.webex.com",
                "see https://status.webex.com",
            ),
        ] {
            assert_eq!(said(&told), expected);
        }
    }

    #[test]
    fn a_peer_that_goes_without_a_word_is_told_without_a_link() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let name = "xsp.test".try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        client.read_tls(&mut std::io::empty()).unwrap();
        let error = client.reader().read(&mut [0; 1]).unwrap_err();
        assert!(error.to_string().contains(LINK), "{error}");
        let told = said(&error);
        assert!(
            !told.contains("://") && told.ends_with("close_notify"),
            "{told}"
        );
    }
}
