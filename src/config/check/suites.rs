//! Cipher suites by IANA name, with a helpful refusal for every other way to name them.

use rustls::CipherSuite;

use crate::config::values::Wrong;
use crate::config::values::wrong;

/// What rustls offers with aws-lc-rs, in server order: TLS 1.3 first, then ECDSA before RSA and
/// AES before ChaCha20, because the usual peer has AES in hardware.
pub(super) const ALL: [CipherSuite; 9] = [
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// OpenSSL's names of the suites of TLS 1.2, which BroadWorks' own guide once printed by mistake.
const OPENSSL: [(&str, &str); 34] = [
    ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    ("AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    ("AES128-SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    ("AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ("AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    ("DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (
        "DHE-DSS-AES128-GCM-SHA256",
        "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256",
    ),
    (
        "DHE-DSS-AES128-SHA256",
        "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256",
    ),
    (
        "DHE-DSS-AES256-GCM-SHA384",
        "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384",
    ),
    (
        "DHE-DSS-AES256-SHA256",
        "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256",
    ),
    (
        "DHE-RSA-AES128-GCM-SHA256",
        "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    ("DHE-RSA-AES128-SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (
        "DHE-RSA-AES128-SHA256",
        "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
    ),
    (
        "DHE-RSA-AES256-GCM-SHA384",
        "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    ),
    ("DHE-RSA-AES256-SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (
        "DHE-RSA-AES256-SHA256",
        "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    ),
    (
        "DHE-RSA-CHACHA20-POLY1305",
        "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        "ECDHE-ECDSA-AES128-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    ),
    (
        "ECDHE-ECDSA-AES128-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        "ECDHE-ECDSA-AES256-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    ),
    (
        "ECDHE-ECDSA-AES256-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    ("ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (
        "ECDHE-RSA-AES128-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    ),
    ("ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (
        "ECDHE-RSA-AES256-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    (
        "ECDHE-RSA-DES-CBC3-SHA",
        "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    ),
    ("RC4-SHA", "TLS_RSA_WITH_RC4_128_SHA"),
];

/// A suite by its IANA name; rustls' `TLS13_` names and BroadWorks' spelling of ChaCha20 count.
pub(super) fn parse(text: &str) -> Result<CipherSuite, Wrong> {
    if let Some(suite) = offered(text) {
        return Ok(suite);
    }
    if let Some((_, iana)) = OPENSSL
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
    {
        let (what, expected) = match unsupported(iana) {
            None => ("OpenSSL's name".to_owned(), format!("the IANA name {iana}")),
            Some(reason) => (
                format!("OpenSSL's name of {iana}, which is not offered: {reason}"),
                names(),
            ),
        };
        return wrong(what, expected);
    }
    match unsupported(text) {
        Some(reason) => wrong(format!("not offered: {reason}"), names()),
        None => wrong("not a cipher suite known here", names()),
    }
}

/// Whether a suite is of TLS 1.3.
pub(super) fn is_tls13(suite: CipherSuite) -> bool {
    ALL.iter().take(3).any(|tls13| *tls13 == suite)
}

/// The IANA name.
pub(in crate::config) fn name(suite: CipherSuite) -> String {
    let text = suite.as_str().unwrap_or_default();
    text.replacen("TLS13_", "TLS_", 1)
}

fn offered(text: &str) -> Option<CipherSuite> {
    let text = text.to_ascii_uppercase();
    ALL.into_iter().find(|suite| {
        let iana = name(*suite);
        suite.as_str() == Some(&text)
            || iana == text
            || (text.ends_with("_CHACHA20_POLY1305") && iana == format!("{text}_SHA256"))
    })
}

/// Why an IANA suite is not offered; `None` for what is, and for what is no suite.
fn unsupported(iana: &str) -> Option<&'static str> {
    let has = |part| iana.contains(part);
    if !iana.starts_with("TLS_") && !iana.starts_with("SSL_") {
        return None;
    }
    if has("_NULL_") || has("_EXPORT_") || has("_RC4_") || has("_DES_") || has("_anon_") {
        return Some("broken");
    }
    if iana.starts_with("TLS_DHE_") || iana.starts_with("TLS_DH_") {
        return Some("finite-field Diffie-Hellman, which rustls leaves out");
    }
    if iana.starts_with("TLS_ECDH_") {
        return Some("static ECDH, which has no forward secrecy");
    }
    if iana.starts_with("TLS_RSA_WITH_") {
        return Some("RSA key exchange, which has no forward secrecy");
    }
    if has("_CBC_") {
        return Some("CBC mode, which rustls leaves out (padding oracles)");
    }
    let leaves_out = ["_CCM", "_ARIA_", "_CAMELLIA_", "_PSK_", "_SRP_", "_KRB5_"];
    let reason = "rustls leaves it out";
    leaves_out.into_iter().any(has).then_some(reason)
}

fn names() -> String {
    let names: Vec<_> = ALL.into_iter().map(name).collect();
    format!("IANA names out of {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_what_the_provider_offers() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        assert_eq!(provider.cipher_suites.len(), ALL.len());
        for suite in provider.cipher_suites {
            assert!(ALL.contains(&suite.suite()), "{suite:?}");
        }
    }

    #[test]
    fn every_suite_is_known_by_both_of_its_names() {
        for suite in ALL {
            assert_eq!(parse(&name(suite)), Ok(suite));
            assert_eq!(parse(suite.as_str().unwrap()), Ok(suite));
            assert_eq!(
                is_tls13(suite),
                suite.as_str().unwrap().starts_with("TLS13_")
            );
        }
        // The spelling of the Webex for BroadWorks guide.
        assert_eq!(
            parse("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"),
            Ok(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)
        );
    }

    #[test]
    fn an_openssl_name_is_refused_with_the_name_to_use() {
        let fault = parse("ECDHE-RSA-AES128-GCM-SHA256").unwrap_err();
        assert_eq!(fault.what, "OpenSSL's name");
        assert_eq!(
            fault.expected,
            "the IANA name TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        );
        let fault = parse("ECDHE-RSA-AES128-SHA256").unwrap_err();
        assert!(fault.what.contains("CBC"), "{fault:?}");
    }

    #[test]
    fn a_known_suite_that_is_not_offered_is_refused_with_the_reason() {
        for (name, reason) in [
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "CBC"),
            ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "finite-field"),
            ("TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256", "static ECDH"),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", "forward secrecy"),
            ("TLS_RSA_WITH_RC4_128_SHA", "broken"),
            ("TLS_AES_128_CCM_SHA256", "leaves it out"),
            ("TLS_NONSENSE", "not a cipher suite"),
        ] {
            let fault = parse(name).unwrap_err();
            assert!(fault.what.contains(reason), "{name}: {fault:?}");
        }
    }
}
