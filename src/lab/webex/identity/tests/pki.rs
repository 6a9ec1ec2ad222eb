//! Certificates with quick keys: the lab's own are RSA in part and take a second.

use std::path::Path;
use std::path::PathBuf;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;

use crate::lab::pki::Pair;

/// One CA for servers and clients alike.
pub(in crate::lab::webex) struct QuickPki {
    pub(in crate::lab::webex) ca: PathBuf,
    pub(in crate::lab::webex) server: Pair,
    pub(in crate::lab::webex) client: Pair,
}

impl QuickPki {
    pub(in crate::lab::webex) fn mint(directory: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = directory.join("ca.pem");
        std::fs::write(&ca, params.self_signed(&key).unwrap().pem()).unwrap();
        let issuer = Issuer::new(params, key);
        let leaf = |name: &str, purpose| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new([name.to_owned()]).unwrap();
            params.extended_key_usages = vec![purpose];
            let pair = Pair {
                cert: directory.join(format!("{name}.pem")),
                key: directory.join(format!("{name}.key")),
            };
            let certificate = params.signed_by(&key, &issuer).unwrap();
            std::fs::write(&pair.cert, certificate.pem()).unwrap();
            std::fs::write(&pair.key, key.serialize_pem()).unwrap();
            pair
        };
        Self {
            server: leaf("localhost", ExtendedKeyUsagePurpose::ServerAuth),
            client: leaf("webex", ExtendedKeyUsagePurpose::ClientAuth),
            ca,
        }
    }
}
