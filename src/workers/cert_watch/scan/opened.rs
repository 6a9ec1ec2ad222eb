//! The certificates of a file. One that did not change since is neither read nor parsed again.

use std::sync::OnceLock;

use crate::config::secret::SecretRef;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::file_format;
use crate::domain::certs::file_format::Format;
use crate::domain::certs::key::KeyKind;
use crate::domain::certs::name;
use crate::domain::certs::source::SourceFault;

/// The certificates of a file, as they were read, and what each is called.
pub(super) struct Opened {
    ders: Vec<Vec<u8>>,
    names: Vec<OnceLock<Option<String>>>,
}

impl Opened {
    fn new(ders: Vec<Vec<u8>>) -> Self {
        let names = std::iter::repeat_with(OnceLock::new)
            .take(ders.len())
            .collect();
        Self { ders, names }
    }

    /// In the order of the file.
    pub(super) fn ders(&self) -> &[Vec<u8>] {
        &self.ders
    }

    /// What the certificate at this position is called: by the name in it and the kind of its key,
    /// since one name often has one of each. `None` when there is none or it cannot be parsed.
    pub(super) fn name(&self, at: usize) -> Option<&str> {
        let (der, name) = (self.ders.get(at)?, self.names.get(at)?);
        name.get_or_init(|| {
            CertificateFacts::parse(der)
                .ok()
                .map(|facts| called(&facts))
        })
        .as_deref()
    }
}

fn called(facts: &CertificateFacts) -> String {
    let name = facts
        .dns_names
        .first()
        .map(String::as_str)
        .or_else(|| facts.common_name())
        .unwrap_or(&facts.subject);
    let family = match facts.key {
        KeyKind::Rsa(_) => "",
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => " ECDSA",
        KeyKind::Ed25519 => " Ed25519",
        KeyKind::Other(_) => " other key",
    };
    format!("{}{family}", name::escape(name))
}

/// The certificates of any format. The password is read when there is something to open with it.
pub(super) fn open(bytes: &[u8], password: Option<&SecretRef>) -> Result<Opened, SourceFault> {
    let Some(reference) = password.filter(|_| file_format::format(bytes) == Some(Format::Pkcs12))
    else {
        return file_format::certificates(bytes, None).map(Opened::new);
    };
    let secret = reference
        .read()
        .map_err(|_| SourceFault::PasswordUnreadable)?;
    // As it is typed: a file of one line ends with a line break.
    let text = std::str::from_utf8(secret.expose()).map_err(|_| SourceFault::PasswordUnreadable)?;
    let text = text.trim_end_matches(['\r', '\n']);
    file_format::certificates(bytes, Some(text)).map(Opened::new)
}
