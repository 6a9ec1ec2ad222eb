//! Certificate requests: what goes to a CA.

use std::net::IpAddr;

use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::KeyPair;
use rcgen::SanType;

/// Most names of one request. Public CAs take a hundred.
pub const MOST_NAMES: usize = 100;

/// Longest text of a subject field (RFC 5280, upper bounds): the common name has 64 characters,
/// the others 64 to 128.
const LONGEST_FIELD: usize = 64;

/// Longest common name.
const LONGEST_COMMON_NAME: usize = 64;

/// Fields of the subject besides the common name. Public CAs ignore or replace most of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Two letters.
    pub country: Option<String>,
    /// State or province.
    pub state: Option<String>,
    /// City.
    pub locality: Option<String>,
    /// Organisation.
    pub organization: Option<String>,
    /// Its unit.
    pub unit: Option<String>,
}

/// A request that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    names: Vec<String>,
    subject: Subject,
}

/// Why no request is made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestProblem {
    /// A name that no certificate can carry.
    #[error(
        "\"{0}\" is no host name for a certificate: letters, digits, hyphens and dots, \
         xsp1.example.net or *.example.net"
    )]
    BadName(String),
    /// A country that is not two letters.
    #[error("\"{0}\" is no country: two capital letters such as SE")]
    Country(String),
    /// A field that is empty, too long or not printable.
    #[error("{0} must be 1 to {LONGEST_FIELD} printable characters")]
    Field(&'static str),
    /// The library refused.
    #[error("the request could not be made: {0}")]
    Library(String),
    /// No name.
    #[error("a request needs a name: --name xsp1.example.net")]
    NoName,
    /// More than [`MOST_NAMES`].
    #[error("more than {MOST_NAMES} names")]
    TooMany,
}

impl Request {
    /// Proves names and fields. Names are written in lower case, each once, `*` left out.
    ///
    /// # Errors
    /// When one cannot stand in a certificate.
    pub fn new<N: AsRef<str>>(names: &[N], subject: Subject) -> Result<Self, RequestProblem> {
        let mut proven: Vec<String> = Vec::new();
        for name in names.iter().map(AsRef::as_ref).filter(|name| *name != "*") {
            let name = name.to_ascii_lowercase();
            if !is_name(&name) {
                return Err(RequestProblem::BadName(name.escape_default().to_string()));
            }
            if !proven.contains(&name) {
                proven.push(name);
            }
        }
        match proven.len() {
            0 => return Err(RequestProblem::NoName),
            1..=MOST_NAMES => {}
            _ => return Err(RequestProblem::TooMany),
        }
        let fields = [
            ("the state", &subject.state),
            ("the locality", &subject.locality),
            ("the organization", &subject.organization),
            ("the organizational unit", &subject.unit),
        ];
        for (field, text) in fields {
            let fits = |text: &String| {
                (1..=LONGEST_FIELD).contains(&text.chars().count())
                    && !text.chars().any(char::is_control)
            };
            if !text.as_ref().is_none_or(fits) {
                return Err(RequestProblem::Field(field));
            }
        }
        if let Some(country) = &subject.country
            && (country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            let country = country.escape_default().to_string();
            return Err(RequestProblem::Country(country));
        }
        Ok(Self {
            names: proven,
            subject,
        })
    }

    /// The names, as they will stand in the SAN.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The request in DER, signed with this key.
    ///
    /// # Errors
    /// When the library refuses the key.
    pub fn sign(&self, key: &KeyPair) -> Result<Vec<u8>, RequestProblem> {
        let failed = |error: rcgen::Error| RequestProblem::Library(error.to_string());
        let mut params = CertificateParams::default();
        params.distinguished_name = self.distinguished_name();
        for name in &self.names {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(name.as_str().try_into().map_err(failed)?),
            });
        }
        let request = params.serialize_request(key).map_err(failed)?;
        Ok(request.der().to_vec())
    }

    fn distinguished_name(&self) -> DistinguishedName {
        let mut name = DistinguishedName::new();
        let subject = &self.subject;
        let fields = [
            (DnType::CountryName, &subject.country),
            (DnType::StateOrProvinceName, &subject.state),
            (DnType::LocalityName, &subject.locality),
            (DnType::OrganizationName, &subject.organization),
            (DnType::OrganizationalUnitName, &subject.unit),
        ];
        for (kind, text) in fields {
            if let Some(text) = text {
                name.push(kind, text.as_str());
            }
        }
        // A longer name stands in the SAN alone, where clients look.
        let first = self
            .names
            .first()
            .filter(|n| n.len() <= LONGEST_COMMON_NAME);
        if let Some(first) = first {
            name.push(DnType::CommonName, first.as_str());
        }
        name
    }
}

/// A host name of RFC 1123 with at least one dot, maybe with `*.` before it; or an address.
fn is_name(name: &str) -> bool {
    if name.parse::<IpAddr>().is_ok() {
        return true;
    }
    let host = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use x509_parser::certification_request::X509CertificationRequest;
    use x509_parser::prelude::FromDer as _;

    use super::*;

    #[test]
    fn a_request_says_what_was_asked_and_proves_its_key() {
        let subject = Subject {
            organization: Some("Jönköping Tel AB".to_owned()),
            country: Some("SE".to_owned()),
            ..Subject::default()
        };
        let names = ["XSP1.example.net", "xsp1.example.net", "*", "10.0.0.1"];
        let request = Request::new(&names, subject).unwrap();
        assert_eq!(request.names(), ["xsp1.example.net", "10.0.0.1"]);
        let der = request.sign(&KeyPair::generate().unwrap()).unwrap();
        let (rest, read) = X509CertificationRequest::from_der(&der).unwrap();
        assert!(rest.is_empty());
        read.verify_signature().unwrap();
        let subject = read.certification_request_info.subject.to_string();
        assert!(subject.contains("CN=xsp1.example.net"), "{subject}");
        assert!(subject.contains("Jönköping"), "{subject}");
    }

    #[test]
    fn what_no_certificate_can_carry_is_refused_by_name() {
        for bad in [
            "",
            "a b",
            "ä.example.net",
            "-a.net",
            "a..b",
            "*.*.net",
            "a/b",
        ] {
            let refused = Request::new(&[bad], Subject::default());
            assert!(matches!(refused, Err(RequestProblem::BadName(_))), "{bad}");
        }
        let none: [&str; 0] = [];
        let refused = Request::new(&none, Subject::default());
        assert_eq!(refused, Err(RequestProblem::NoName));
        let refused = Request::new(
            &["a.net"],
            Subject {
                country: Some("Sweden".to_owned()),
                ..Subject::default()
            },
        );
        assert!(matches!(refused, Err(RequestProblem::Country(_))));
        let many: Vec<_> = (0..=MOST_NAMES).map(|n| format!("h{n}.net")).collect();
        let refused = Request::new(&many, Subject::default());
        assert_eq!(refused, Err(RequestProblem::TooMany));
    }
}
