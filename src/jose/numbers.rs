//! The numbers of an RSA key, from DER and into a JWK, and the name that follows from them.

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use crate::jose::base64url;
use crate::jose::der::Reader;

/// 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Shortest and longest modulus, in bytes.
const SHORTEST: usize = 2048 / 8;
const LONGEST: usize = 4096 / 8;

/// Largest public exponent in bytes. Longer ones only make others compute.
const EXPONENT_BYTES: usize = 4;

/// Why two numbers are no public key that we would use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadNumbers {
    Exponent,
    Length,
    Modulus,
}

/// Modulus and exponent, big-endian, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicNumbers {
    pub(super) n: Vec<u8>,
    pub(super) e: Vec<u8>,
}

impl PublicNumbers {
    /// Takes 2048 to 4096 bits, and an odd exponent above 2^16.
    pub(super) fn check(n: &[u8], e: &[u8]) -> Result<Self, BadNumbers> {
        if !(SHORTEST..=LONGEST).contains(&n.len()) {
            return Err(BadNumbers::Length);
        }
        let (Some(first), Some(last)) = (n.first(), n.last()) else {
            return Err(BadNumbers::Length);
        };
        match first {
            0 => return Err(BadNumbers::Modulus),
            0x80..=0xff => {}
            // 2041 to 2047 bits are not 2048; longer moduli that do not fill their bytes are odd
            // enough to be a mistake.
            _ if n.len() == SHORTEST => return Err(BadNumbers::Length),
            _ => return Err(BadNumbers::Modulus),
        }
        if last & 1 == 0 {
            return Err(BadNumbers::Modulus);
        }
        let value = e
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let sound = e.len() <= EXPONENT_BYTES
            && e.first().is_some_and(|first| *first != 0)
            && value > 1 << 16
            && value & 1 == 1;
        if sound {
            Ok(Self {
                n: n.to_vec(),
                e: e.to_vec(),
            })
        } else {
            Err(BadNumbers::Exponent)
        }
    }

    /// RFC 7638: SHA-256 over the required members in their order, in base64url.
    pub(super) fn thumbprint(&self) -> String {
        let mut json = String::with_capacity(1024);
        json.push_str("{\"e\":\"");
        base64url::push(&mut json, &self.e);
        json.push_str("\",\"kty\":\"RSA\",\"n\":\"");
        base64url::push(&mut json, &self.n);
        json.push_str("\"}");
        base64url::encode(digest::digest(&digest::SHA256, json.as_bytes()).as_ref())
    }
}

/// What kind of key a DER text turned out to be.
pub(super) enum Der<'d> {
    /// Neither of the others.
    Foreign,
    /// A private key.
    Private,
    /// Modulus and exponent of an RSA key.
    Public { n: &'d [u8], e: &'d [u8] },
    /// A public key of another kind.
    NotRsa,
}

/// Reads SubjectPublicKeyInfo (RFC 5280) or RSAPublicKey (RFC 8017).
pub(super) fn public(der: &[u8]) -> Der<'_> {
    let public = |(n, e)| Der::Public { n, e };
    if let Some(known) = subject_public_key_info(der) {
        return known.map_or(Der::NotRsa, public);
    }
    if let Some(numbers) = rsa_public_key(Reader::new(der)) {
        return public(numbers);
    }
    // RSAPrivateKey and PrivateKeyInfo both begin with version 0.
    let mut outer = Reader::new(der);
    match outer.sequence().map(|mut key| key.zero()) {
        Some(Some(())) => Der::Private,
        Some(None) | None => Der::Foreign,
    }
}

/// `Some(None)` for a key that is not RSA.
#[expect(clippy::option_option, reason = "not one at all, another kind, ours")]
fn subject_public_key_info(der: &[u8]) -> Option<Option<(&[u8], &[u8])>> {
    let mut outer = Reader::new(der);
    let mut info = outer.sequence()?;
    let mut algorithm = info.sequence()?;
    let identifier = algorithm.identifier()?;
    let key = info.bits()?;
    if !outer.is_done() || !info.is_done() {
        return None;
    }
    if identifier != RSA_ENCRYPTION {
        return Some(None);
    }
    algorithm.null()?;
    if !algorithm.is_done() {
        return None;
    }
    rsa_public_key(key).map(Some)
}

fn rsa_public_key(mut outer: Reader<'_>) -> Option<(&[u8], &[u8])> {
    let mut key = outer.sequence()?;
    let numbers = (key.positive()?, key.positive()?);
    (outer.is_done() && key.is_done()).then_some(numbers)
}

/// The numbers of a private key, big-endian, without leading zeros; wiped when dropped.
pub(super) struct PrivateNumbers {
    pub(super) d: Zeroizing<Vec<u8>>,
    pub(super) p: Zeroizing<Vec<u8>>,
    pub(super) q: Zeroizing<Vec<u8>>,
    pub(super) dp: Zeroizing<Vec<u8>>,
    pub(super) dq: Zeroizing<Vec<u8>>,
    pub(super) qi: Zeroizing<Vec<u8>>,
}

/// Reads PrivateKeyInfo (RFC 5208) around RSAPrivateKey (RFC 8017).
pub(super) fn private(pkcs8: &[u8]) -> Option<(Vec<u8>, Vec<u8>, PrivateNumbers)> {
    let mut info = Reader::new(pkcs8).sequence()?;
    info.zero()?;
    let mut algorithm = info.sequence()?;
    if algorithm.identifier()? != RSA_ENCRYPTION {
        return None;
    }
    let mut key = info.octets()?.sequence()?;
    key.zero()?;
    let mut positive = || key.positive();
    let (n, e) = (positive()?.to_vec(), positive()?.to_vec());
    let mut secret = || key.positive().map(|number| Zeroizing::new(number.to_vec()));
    let numbers = PrivateNumbers {
        d: secret()?,
        p: secret()?,
        q: secret()?,
        dp: secret()?,
        dq: secret()?,
        qi: secret()?,
    };
    Some((n, e, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        // RFC 7638 section 3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let n = base64url::decode(n).unwrap();
        let numbers = PublicNumbers::check(&n, &[1, 0, 1]).unwrap();
        assert_eq!(
            numbers.thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn numbers_outside_of_the_bounds_are_refused() {
        let modulus = |bytes: usize| {
            let mut n = vec![0xff; bytes];
            n[0] = 0x80;
            n
        };
        let check = |n: &[u8], e: &[u8]| PublicNumbers::check(n, e).map(drop);
        let good = modulus(256);
        for e in [&[1, 0, 1][..], &[1, 0, 3], &[0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(check(&good, e), Ok(()), "{e:?}");
        }
        for e in [
            &[][..],
            &[3],
            &[0xff, 0xff],
            &[1, 0, 0],
            &[1, 0, 2],
            &[0, 1, 0, 1],
            &[1, 0, 0, 0, 1],
        ] {
            assert_eq!(check(&good, e), Err(BadNumbers::Exponent), "{e:?}");
        }
        for bytes in [0, 1, 128, 255, 513, 1024] {
            let n = vec![0xff; bytes];
            assert_eq!(check(&n, &[1, 0, 1]), Err(BadNumbers::Length), "{bytes}");
        }
        assert_eq!(check(&modulus(512), &[1, 0, 1]), Ok(()));
        let mut even = good.clone();
        even[255] = 2;
        assert_eq!(check(&even, &[1, 0, 1]), Err(BadNumbers::Modulus));
        let mut short = good.clone();
        short[0] = 0x7f;
        assert_eq!(
            check(&short, &[1, 0, 1]),
            Err(BadNumbers::Length),
            "2047 bits"
        );
        let mut padded = modulus(384);
        padded[0] = 0;
        assert_eq!(check(&padded, &[1, 0, 1]), Err(BadNumbers::Modulus));
    }
}
