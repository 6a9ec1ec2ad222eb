//! The extensions of a certificate that decide something.

use std::collections::BTreeSet;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::extensions::ParsedExtension;

use crate::domain::certs::facts::BadCertificate;
use crate::domain::certs::name;
use crate::domain::certs::usage::ExtendedKeyUsage;
use crate::domain::certs::usage::KeyUsage;

/// The extensions that decide something.
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) dns_names: Vec<String>,
    pub(super) ca: Option<bool>,
    pub(super) path_length: Option<u32>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) constrained: Vec<NameKind>,
    pub(super) unknown_critical: Vec<String>,
}

/// id-ce, RFC 5280 section 4.2.1: the arc of the standard's own extensions.
const ID_CE: [u8; 2] = [0x55, 0x1d];

impl Extensions {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// When one is there twice or cannot be read.
    pub(super) fn read(certificate: &X509Certificate<'_>) -> Result<Self, BadCertificate> {
        let mut found = Self::default();
        let mut seen: BTreeSet<&[u8]> = BTreeSet::new();
        for extension in certificate.extensions() {
            let oid = extension.oid.as_bytes();
            if !seen.insert(oid) {
                return Err(BadCertificate::DuplicateExtension(name::dotted(oid)));
            }
            let understood = match oid.strip_prefix(&ID_CE) {
                // keyUsage, subjectAltName, basicConstraints, nameConstraints, extKeyUsage
                Some([15 | 17 | 19 | 30 | 37]) => {
                    if !found.take(extension.parsed_extension()) {
                        return Err(BadCertificate::MalformedExtension(name::dotted(oid)));
                    }
                    true
                }
                // Key identifiers, CRL places and policies decide nothing here and may be critical.
                Some([14 | 31 | 32 | 33 | 35 | 36 | 54]) => true,
                _ => false,
            };
            if extension.critical && !understood {
                found.unknown_critical.push(name::dotted(oid));
            }
        }
        Ok(found)
    }

    /// `false` when the library could not read it.
    fn take(&mut self, extension: &ParsedExtension<'_>) -> bool {
        if let ParsedExtension::BasicConstraints(constraints) = extension {
            self.ca = Some(constraints.ca);
            self.path_length = constraints.path_len_constraint;
        } else if let ParsedExtension::KeyUsage(usage) = extension {
            self.key_usage = Some(KeyUsage::new(usage.flags));
        } else if let ParsedExtension::ExtendedKeyUsage(usage) = extension {
            self.extended_key_usage = Some(usage.into());
        } else if let ParsedExtension::SubjectAlternativeName(names) = extension {
            for name in &names.general_names {
                match name {
                    GeneralName::DNSName(host) => self.dns_names.push((*host).to_owned()),
                    // An unreadable host name (tag 2) must not look like an absent one.
                    GeneralName::Invalid(tag, _) if tag.0 == 2 => return false,
                    GeneralName::OtherName(..)
                    | GeneralName::RFC822Name(_)
                    | GeneralName::X400Address(_)
                    | GeneralName::DirectoryName(_)
                    | GeneralName::EDIPartyName(_)
                    | GeneralName::URI(_)
                    | GeneralName::IPAddress(_)
                    | GeneralName::RegisteredID(_)
                    | GeneralName::Invalid(..) => {}
                }
            }
        } else if let ParsedExtension::NameConstraints(constraints) = extension {
            let subtrees = [
                &constraints.permitted_subtrees,
                &constraints.excluded_subtrees,
            ];
            self.constrained = subtrees
                .into_iter()
                .flatten()
                .flatten()
                .map(|subtree| NameKind::of(&subtree.base))
                .collect();
            self.constrained.sort_unstable();
            self.constrained.dedup();
        } else {
            return false;
        }
        true
    }
}

/// The kinds of names that name constraints can speak of, RFC 5280 section 4.2.1.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    /// X.500 names: rustls refuses every certificate below such a CA.
    Directory,
    /// Host names.
    Dns,
    /// E-mail addresses: rustls refuses certificates below that carry one.
    Email,
    /// IP networks.
    Ip,
    /// The rest: rustls refuses certificates below that carry one.
    Other,
    /// URIs: rustls refuses certificates below that carry one.
    Uri,
}

impl NameKind {
    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory names",
            Self::Dns => "host names",
            Self::Email => "e-mail addresses",
            Self::Ip => "IP networks",
            Self::Other => "other names",
            Self::Uri => "URIs",
        }
    }

    fn of(name: &GeneralName<'_>) -> Self {
        match name {
            GeneralName::DirectoryName(_) => Self::Directory,
            GeneralName::DNSName(_) => Self::Dns,
            GeneralName::RFC822Name(_) => Self::Email,
            GeneralName::IPAddress(_) => Self::Ip,
            GeneralName::URI(_) => Self::Uri,
            GeneralName::Invalid(tag, _) if tag.0 == 4 => Self::Directory,
            GeneralName::OtherName(..)
            | GeneralName::X400Address(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::RegisteredID(_)
            | GeneralName::Invalid(..) => Self::Other,
        }
    }
}
