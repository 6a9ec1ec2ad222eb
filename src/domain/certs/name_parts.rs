//! The parts of a distinguished name one by one, for labels of metrics.

use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

use crate::domain::certs::name;

/// Longest part, in characters; a label must stay short.
const LONGEST: usize = 128;

/// What other exporters make labels of. A part that is not there is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct NameParts {
    /// `C`.
    pub country: String,
    /// `ST`.
    pub state: String,
    /// `L`.
    pub locality: String,
    /// `O`.
    pub organization: String,
    /// `OU`.
    pub unit: String,
    /// `CN`.
    pub common_name: String,
}

impl NameParts {
    /// Of a name as encoded; empty when it cannot be read. Of several parts of one kind the most
    /// specific counts.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let Ok((_, name)) = X509Name::from_der(der) else {
            return Self::default();
        };
        let mut parts = Self::default();
        for attribute in name.iter_attributes() {
            let place = match attribute.attr_type().as_bytes() {
                [0x55, 0x04, 0x03] => &mut parts.common_name,
                [0x55, 0x04, 0x06] => &mut parts.country,
                [0x55, 0x04, 0x07] => &mut parts.locality,
                [0x55, 0x04, 0x08] => &mut parts.state,
                [0x55, 0x04, 0x0a] => &mut parts.organization,
                [0x55, 0x04, 0x0b] => &mut parts.unit,
                _ => continue,
            };
            *place = name::plain(attribute.attr_value())
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST)
                .collect();
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use rcgen::DnType;

    use super::*;
    use crate::domain::certs::facts::CertificateFacts;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    #[test]
    fn parts_are_found_and_garbage_has_none() {
        let mut params = mint::named("xsp.example.com");
        let name = &mut params.distinguished_name;
        name.push(DnType::CountryName, "DE");
        name.push(DnType::OrganizationName, "Provider, Inc.");
        name.push(DnType::OrganizationalUnitName, "a\u{7}b");
        let facts = CertificateFacts::parse(&Minted::root(params).der).unwrap();
        let parts = NameParts::of(&facts.subject_der);
        assert_eq!(parts.common_name, "xsp.example.com");
        assert_eq!(parts.country, "DE");
        assert_eq!(parts.organization, "Provider, Inc.");
        assert_eq!(parts.unit, "ab");
        assert_eq!(parts.state, "");
        assert_eq!(NameParts::of(b"\x30\x05abc"), NameParts::default());
    }
}
