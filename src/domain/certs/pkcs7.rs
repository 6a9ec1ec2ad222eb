//! Certificates out of a PKCS#7 file (`.p7b`, `.p7c`): what many CAs deliver. Nothing is verified
//! here; the signature over nothing that such a file may carry says nothing about them.

use crate::domain::certs::ber::CONTEXT_0;
use crate::domain::certs::ber::Element;
use crate::domain::certs::ber::NotBer;
use crate::domain::certs::ber::SEQUENCE;

/// Most certificates taken from one file.
pub const MOST: usize = 64;

/// Parts of a SignedData: five are standardised.
const PARTS: usize = 8;

/// signedData, 1.2.840.113549.1.7.2.
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// Why a file gives no certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs7Problem {
    /// Not readable.
    #[error("it is not PKCS#7, or is cut off")]
    Malformed,
    /// Another kind of content: enveloped, encrypted, digested.
    #[error("it is PKCS#7 but not of the kind that carries certificates (signedData)")]
    OtherContent,
}

impl From<NotBer> for Pkcs7Problem {
    fn from(_: NotBer) -> Self {
        Self::Malformed
    }
}

/// The certificates in DER, in the order of the file.
///
/// # Errors
/// When the bytes are no PKCS#7 signedData, or hold more than [`MOST`] certificates.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Pkcs7Problem> {
    let parts = Element::only(bytes)?.parts_of(SEQUENCE, 2)?;
    let [kind, content] = parts.as_slice() else {
        return Err(Pkcs7Problem::Malformed);
    };
    if kind.oid()? != SIGNED_DATA {
        return Err(Pkcs7Problem::OtherContent);
    }
    let signed = content.inside(CONTEXT_0)?.parts_of(SEQUENCE, PARTS)?;
    let Some(set) = signed.iter().find(|part| part.tag == CONTEXT_0) else {
        return Ok(Vec::new());
    };
    // Other choices, attribute certificates for one, have other tags.
    let members = set.parts(MOST)?.into_iter();
    let plain = members.filter(|member| member.tag == SEQUENCE);
    Ok(plain.map(|member| member.whole.to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = include_bytes!("../../../tests/fixtures/wire/certificates/chain.p7b");
    const INDEFINITE: &[u8] =
        include_bytes!("../../../tests/fixtures/wire/certificates/indefinite.p7b");

    #[test]
    fn certificates_come_out_whatever_the_lengths_are() {
        for bytes in [PLAIN, INDEFINITE] {
            assert_eq!(certificates(bytes).unwrap().len(), 3);
        }
    }

    #[test]
    fn damaged_files_are_refused_without_a_panic() {
        for bytes in [PLAIN, INDEFINITE] {
            for length in 0..bytes.len() {
                assert!(certificates(&bytes[..length]).is_err());
            }
            for at in 0..bytes.len() {
                let mut damaged = bytes.to_vec();
                damaged[at] ^= 0x55;
                drop(certificates(&damaged));
            }
        }
    }
}
