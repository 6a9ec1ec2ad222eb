//! The checksum over a PKCS#12 file: its hashes, and how its key comes from the password (RFC 7292,
//! appendix B).

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::domain::certs::name::dotted;
use crate::domain::certs::pkcs12_problem::Pkcs12Problem;

/// Hashes of NIST, 2.16.840.1.101.3.4.2: SHA-256, SHA-384, SHA-512, SHA-224 are 1 to 4.
const NIST_HASHES: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
/// SHA-1, 1.3.14.3.2.26.
const SHA1: [u8; 5] = [0x2b, 0x0e, 0x03, 0x02, 0x1a];

pub(super) type Hashing = (&'static digest::Algorithm, hmac::Algorithm);

pub(super) fn hash_of(oid: &[u8]) -> Result<Hashing, Pkcs12Problem> {
    match (oid == SHA1, oid.strip_prefix(&NIST_HASHES)) {
        (true, _) => Ok((
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        )),
        (false, Some([1])) => Ok((&digest::SHA256, hmac::HMAC_SHA256)),
        (false, Some([2])) => Ok((&digest::SHA384, hmac::HMAC_SHA384)),
        (false, Some([3])) => Ok((&digest::SHA512, hmac::HMAC_SHA512)),
        (false, Some([4])) => Ok((&digest::SHA224, hmac::HMAC_SHA224)),
        (false, Some(_) | None) => Err(Pkcs12Problem::Unsupported(dotted(oid))),
    }
}

/// The password as PKCS#12 has it: UTF-16, big-endian, with a zero at its end.
pub(super) fn wide(password: &str) -> Zeroizing<Vec<u8>> {
    let units = password.encode_utf16().chain([0]);
    Zeroizing::new(units.flat_map(u16::to_be_bytes).collect())
}

/// The derivation of RFC 7292, appendix B.2, for purpose 3 (checksums). The key has the length of
/// the hash, so one block is enough.
pub(super) fn derive_mac_key(
    hash: &'static digest::Algorithm,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
) -> Zeroizing<Vec<u8>> {
    const PURPOSE: u8 = 3;
    let block = hash.block_len();
    let filled = |text: &[u8]| -> Vec<u8> {
        let length = text.len().div_ceil(block) * block;
        text.iter().copied().cycle().take(length).collect()
    };
    let mut first = Zeroizing::new(vec![PURPOSE; block]);
    first.extend(filled(salt));
    first.extend(filled(password));
    let mut sum = Zeroizing::new(digest::digest(hash, &first).as_ref().to_vec());
    for _ in 1..rounds {
        *sum = digest::digest(hash, &sum).as_ref().to_vec();
    }
    sum
}
