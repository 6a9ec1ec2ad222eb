//! Key and certificates out of a PKCS#12 file (`.p12`, `.pfx`), as of RFC 7292, with the
//! encryption of RFC 8018 (PBES2: PBKDF2 and AES in CBC mode) and the checks of RFC 7292 and RFC
//! 9579. The old forms with RC2 and Triple DES are refused by name: nothing that we build with can
//! compute them, and one command of OpenSSL converts such a file.
//!
//! Everything is bounded, the rounds of key derivation too: a file must not cost minutes.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::AES_128;
use aws_lc_rs::cipher::AES_192;
use aws_lc_rs::cipher::AES_256;
use aws_lc_rs::cipher::DecryptionContext;
use aws_lc_rs::cipher::PaddedBlockDecryptingKey;
use aws_lc_rs::cipher::UnboundCipherKey;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use crate::domain::certs::ber;
use crate::domain::certs::ber::CONTEXT_0;
use crate::domain::certs::ber::Element;
use crate::domain::certs::ber::OCTETS;
use crate::domain::certs::ber::SEQUENCE;
use crate::domain::certs::name::dotted;
use crate::domain::certs::pkcs12_mac::derive_mac_key;
use crate::domain::certs::pkcs12_mac::hash_of;
use crate::domain::certs::pkcs12_mac::wide;
use crate::domain::certs::pkcs12_problem::MOST_BAGS;
use crate::domain::certs::pkcs12_problem::MOST_ROUNDS;

pub use crate::domain::certs::pkcs12_problem::Pkcs12Problem;

/// Safes in safes; nobody nests them.
const DEEPEST: usize = 4;

/// Longest password in bytes; longer ones are a wrong file.
const LONGEST_PASSWORD: usize = 1024;

/// pkcs7, 1.2.840.113549.1.7: data is 1, signedData 2, envelopedData 3, encryptedData 6.
const PKCS7: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
/// Bag types, 1.2.840.113549.1.12.10.1.
const BAGS: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
/// The old encryptions, 1.2.840.113549.1.12.1.
const OLD: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// PKCS#5, 1.2.840.113549.1.5: PBKDF2 is 12, PBES2 13, PBMAC1 14; 1 to 11 are older still.
const PKCS5: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
/// x509Certificate, 1.2.840.113549.1.9.22.1.
const X509: [u8; 10] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
/// Digests and HMACs of RSA, 1.2.840.113549.2: HMAC with SHA-1 is 7, SHA-224 to SHA-512 are 8 to 11.
const RSA_DIGESTS: [u8; 7] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// AES of NIST, 2.16.840.1.101.3.4.1: CBC is 2, 22 and 42.
const AES: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

/// What is in a file.
#[derive(Clone, Default)]
pub struct Contents {
    /// Certificates in DER, in the order of the file.
    pub certificates: Vec<Vec<u8>>,
    /// Private keys as PKCS#8 in DER.
    pub keys: Vec<Zeroizing<Vec<u8>>>,
    /// Whether a checksum made with the password was there and right.
    pub checked: bool,
}

/// Whether the bytes look like PKCS#12: a sequence that begins with its version 3.
#[must_use]
pub fn is_pkcs12(bytes: &[u8]) -> bool {
    let parts = Element::only(bytes).and_then(|whole| whole.parts_of(SEQUENCE, 3));
    parts.is_ok_and(|parts| {
        let version = parts.first().map(|first| first.number());
        let second = parts.get(1).map(|second| second.tag);
        version == Some(Ok(3)) && second == Some(SEQUENCE)
    })
}

/// Reads a file with its password, in UTF-8; an empty one is none.
///
/// # Errors
/// When it is no such file, the password is wrong, or it uses what is not read here.
pub fn read(bytes: &[u8], password: &str) -> Result<Contents, Pkcs12Problem> {
    let parts = Element::only(bytes)?.parts_of(SEQUENCE, 3)?;
    let ([version, safe] | [version, safe, _]) = parts.as_slice() else {
        return Err(Pkcs12Problem::Malformed);
    };
    if version.number()? != 3 || password.len() > LONGEST_PASSWORD {
        return Err(Pkcs12Problem::Malformed);
    }
    let mut reader = Reader {
        password,
        rounds: MOST_ROUNDS,
        bags: MOST_BAGS,
        contents: Contents::default(),
    };
    let (kind, content) = content_info(*safe)?;
    match kind {
        1 => {}
        2 => return Err(Pkcs12Problem::PublicKeyMode),
        _ => return Err(Pkcs12Problem::Malformed),
    }
    let safe = content.inside(CONTEXT_0)?.string(OCTETS)?;
    if let Some(mac) = parts.get(2) {
        reader.check(*mac, &safe)?;
        reader.contents.checked = true;
    }
    for part in Element::only(&safe)?.parts_of(SEQUENCE, MOST_BAGS)? {
        reader.safe(part)?;
    }
    Ok(reader.contents)
}

/// Opens an `ENCRYPTED PRIVATE KEY` (PKCS#8): the key as PKCS#8 in DER.
///
/// # Errors
/// As [`read`].
pub fn open_key(bytes: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Pkcs12Problem> {
    let mut reader = Reader {
        password,
        rounds: MOST_ROUNDS,
        bags: 1,
        contents: Contents::default(),
    };
    reader.shrouded(Element::only(bytes)?)
}

/// Last arc of a PKCS#7 type, and its content.
fn content_info(element: Element<'_>) -> Result<(u8, Element<'_>), Pkcs12Problem> {
    let parts = element.parts_of(SEQUENCE, 2)?;
    let [kind, content] = parts.as_slice() else {
        return Err(Pkcs12Problem::Malformed);
    };
    match kind.oid()?.strip_prefix(&PKCS7) {
        Some([last]) => Ok((*last, *content)),
        Some(_) | None => Err(Pkcs12Problem::Malformed),
    }
}

struct Reader<'a> {
    password: &'a str,
    /// Rounds of key derivation that may still be spent.
    rounds: u32,
    /// Bags that may still be read.
    bags: usize,
    contents: Contents,
}

impl Reader<'_> {
    fn safe(&mut self, part: Element<'_>) -> Result<(), Pkcs12Problem> {
        match content_info(part)? {
            (1, content) => {
                let bags = ber::secret(content.inside(CONTEXT_0)?.string(OCTETS)?);
                self.bags(Element::only(&bags)?, DEEPEST)
            }
            (6, content) => {
                let parts = content.inside(CONTEXT_0)?.parts_of(SEQUENCE, 3)?;
                let encrypted = parts.get(1).ok_or(Pkcs12Problem::Malformed)?;
                let parts = encrypted.parts_of(SEQUENCE, 3)?;
                let [_, algorithm, cipher] = parts.as_slice() else {
                    return Err(Pkcs12Problem::Malformed);
                };
                // Implicit [0]: 0x80 in one piece.
                let cipher = cipher.string(0x80)?;
                let bags = self.decrypt(*algorithm, &cipher)?;
                let bags = Element::only(&bags).map_err(|_| Pkcs12Problem::WrongPassword)?;
                self.bags(bags, DEEPEST)
            }
            (3, _) => Err(Pkcs12Problem::PublicKeyMode),
            _ => Err(Pkcs12Problem::Malformed),
        }
    }

    fn bags(&mut self, bags: Element<'_>, depth: usize) -> Result<(), Pkcs12Problem> {
        if depth == 0 {
            return Err(Pkcs12Problem::TooMuch);
        }
        let too_much = |_| Pkcs12Problem::TooMuch;
        for bag in bags.parts_of(SEQUENCE, MOST_BAGS).map_err(too_much)? {
            self.bags = self.bags.checked_sub(1).ok_or(Pkcs12Problem::TooMuch)?;
            let parts = bag.parts_of(SEQUENCE, 3)?;
            let (Some(kind), Some(value)) = (parts.first(), parts.get(1)) else {
                return Err(Pkcs12Problem::Malformed);
            };
            let value = value.inside(CONTEXT_0)?;
            match kind.oid()?.strip_prefix(&BAGS) {
                Some([1]) => {
                    let key = Zeroizing::new(value.whole.to_vec());
                    self.contents.keys.push(key);
                }
                Some([2]) => {
                    let key = self.shrouded(value)?;
                    self.contents.keys.push(key);
                }
                Some([3]) => self.certificate(value)?,
                Some([6]) => self.bags(value, depth - 1)?,
                // CRLs and secrets of other kinds.
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    fn certificate(&mut self, bag: Element<'_>) -> Result<(), Pkcs12Problem> {
        let parts = bag.parts_of(SEQUENCE, 2)?;
        let [kind, value] = parts.as_slice() else {
            return Err(Pkcs12Problem::Malformed);
        };
        if kind.oid()? == X509 {
            let der = value.inside(CONTEXT_0)?.string(OCTETS)?;
            self.contents.certificates.push(der.into_owned());
        }
        Ok(())
    }

    fn shrouded(&mut self, bag: Element<'_>) -> Result<Zeroizing<Vec<u8>>, Pkcs12Problem> {
        let parts = bag.parts_of(SEQUENCE, 2)?;
        let [algorithm, cipher] = parts.as_slice() else {
            return Err(Pkcs12Problem::Malformed);
        };
        let key = self.decrypt(*algorithm, &cipher.string(OCTETS)?)?;
        // A wrong password leaves a right padding once in 256 times.
        if Element::only(&key).is_ok_and(|key| key.tag == SEQUENCE) {
            Ok(key)
        } else {
            Err(Pkcs12Problem::WrongPassword)
        }
    }

    fn decrypt(
        &mut self,
        algorithm: Element<'_>,
        cipher: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Pkcs12Problem> {
        let (oid, parameters) = algorithm_of(algorithm)?;
        match oid.strip_prefix(&PKCS5) {
            Some([13]) => {}
            Some([1..=11]) => return Err(Pkcs12Problem::OldEncryption),
            Some(_) | None if oid.starts_with(&OLD) => return Err(Pkcs12Problem::OldEncryption),
            Some(_) | None => return Err(Pkcs12Problem::Unsupported(dotted(oid))),
        }
        let parts = parameters.parts_of(SEQUENCE, 2)?;
        let [derivation, encryption] = parts.as_slice() else {
            return Err(Pkcs12Problem::Malformed);
        };
        let (oid, iv) = algorithm_of(*encryption)?;
        let (kind, length) = match oid.strip_prefix(&AES) {
            Some([2]) => (&AES_128, 16),
            Some([22]) => (&AES_192, 24),
            Some([42]) => (&AES_256, 32),
            Some(_) => return Err(Pkcs12Problem::Unsupported(dotted(oid))),
            // DES and RC2 inside of PBES2, 1.3.14.3.2.7 and 1.2.840.113549.3.
            None => return Err(Pkcs12Problem::OldEncryption),
        };
        let iv: [u8; 16] = iv
            .string(OCTETS)?
            .as_ref()
            .try_into()
            .map_err(|_| Pkcs12Problem::Malformed)?;
        let mut key = Zeroizing::new(vec![0; length]);
        self.derive(*derivation, &mut key)?;
        let wrong = |_| Pkcs12Problem::WrongPassword;
        let key = UnboundCipherKey::new(kind, &key).map_err(wrong)?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(wrong)?;
        let mut text = Zeroizing::new(cipher.to_vec());
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        let length = key.decrypt(&mut text, context).map_err(wrong)?.len();
        text.truncate(length);
        Ok(text)
    }

    /// PBKDF2 into `key`.
    fn derive(&mut self, derivation: Element<'_>, key: &mut [u8]) -> Result<(), Pkcs12Problem> {
        let (oid, parameters) = algorithm_of(derivation)?;
        if oid.strip_prefix(&PKCS5) != Some(&[12]) {
            return Err(Pkcs12Problem::Unsupported(dotted(oid)));
        }
        let parts = parameters.parts_of(SEQUENCE, 4)?;
        let (Some(salt), Some(rounds)) = (parts.first(), parts.get(1)) else {
            return Err(Pkcs12Problem::Malformed);
        };
        let function = parts.iter().skip(2).find(|part| part.tag == SEQUENCE);
        let function = match function {
            None => pbkdf2::PBKDF2_HMAC_SHA1,
            Some(function) => {
                let (oid, _) = algorithm_of(*function)?;
                match oid.strip_prefix(&RSA_DIGESTS) {
                    Some([7]) => pbkdf2::PBKDF2_HMAC_SHA1,
                    Some([9]) => pbkdf2::PBKDF2_HMAC_SHA256,
                    Some([10]) => pbkdf2::PBKDF2_HMAC_SHA384,
                    Some([11]) => pbkdf2::PBKDF2_HMAC_SHA512,
                    Some(_) | None => return Err(Pkcs12Problem::Unsupported(dotted(oid))),
                }
            }
        };
        let rounds = self.spend(rounds.number()?)?;
        let salt = salt.string(OCTETS)?;
        pbkdf2::derive(function, rounds, &salt, self.password.as_bytes(), key);
        Ok(())
    }

    fn spend(&mut self, rounds: u32) -> Result<NonZeroU32, Pkcs12Problem> {
        let left = self.rounds.checked_sub(rounds);
        self.rounds = left.ok_or(Pkcs12Problem::TooManyRounds)?;
        NonZeroU32::new(rounds).ok_or(Pkcs12Problem::Malformed)
    }

    /// Checks the checksum over the safes.
    fn check(&mut self, mac: Element<'_>, safe: &[u8]) -> Result<(), Pkcs12Problem> {
        let parts = mac.parts_of(SEQUENCE, 3)?;
        let (Some(sum), Some(salt)) = (parts.first(), parts.get(1)) else {
            return Err(Pkcs12Problem::Malformed);
        };
        let salt = salt.string(OCTETS)?;
        let rounds = parts.get(2).map_or(Ok(1), |rounds| rounds.number())?;
        let sum = sum.parts_of(SEQUENCE, 2)?;
        let [algorithm, sum] = sum.as_slice() else {
            return Err(Pkcs12Problem::Malformed);
        };
        let sum = sum.string(OCTETS)?;
        let (oid, parameters) = algorithm_of(*algorithm)?;
        if oid.strip_prefix(&PKCS5) == Some(&[14]) {
            return self.check_pbmac1(parameters, safe, &sum);
        }
        let (hash, keyed) = hash_of(oid)?;
        let rounds = self.spend(rounds)?.get();
        // Two ways are in use to write down that there is no password.
        let mut forms = vec![wide(self.password)];
        if self.password.is_empty() {
            self.spend(rounds)?;
            forms.push(Zeroizing::new(Vec::new()));
        }
        let right = forms.iter().any(|password| {
            let key = derive_mac_key(hash, password, &salt, rounds);
            hmac::verify(&hmac::Key::new(keyed, &key), safe, &sum).is_ok()
        });
        if right {
            Ok(())
        } else {
            Err(Pkcs12Problem::WrongPassword)
        }
    }

    /// RFC 9579.
    fn check_pbmac1(
        &mut self,
        parameters: Element<'_>,
        safe: &[u8],
        sum: &[u8],
    ) -> Result<(), Pkcs12Problem> {
        let parts = parameters.parts_of(SEQUENCE, 2)?;
        let [derivation, scheme] = parts.as_slice() else {
            return Err(Pkcs12Problem::Malformed);
        };
        let (oid, _) = algorithm_of(*scheme)?;
        let (keyed, length) = match oid.strip_prefix(&RSA_DIGESTS) {
            Some([9]) => (hmac::HMAC_SHA256, 32),
            Some([10]) => (hmac::HMAC_SHA384, 48),
            Some([11]) => (hmac::HMAC_SHA512, 64),
            Some(_) | None => return Err(Pkcs12Problem::Unsupported(dotted(oid))),
        };
        let mut key = Zeroizing::new(vec![0; length]);
        self.derive(*derivation, &mut key)?;
        hmac::verify(&hmac::Key::new(keyed, &key), safe, sum)
            .map_err(|_| Pkcs12Problem::WrongPassword)
    }
}

/// Number and parameters of an AlgorithmIdentifier; without parameters the number stands for them.
fn algorithm_of(element: Element<'_>) -> Result<(&[u8], Element<'_>), Pkcs12Problem> {
    let parts = element.parts_of(SEQUENCE, 2)?;
    let first = parts.first().ok_or(Pkcs12Problem::Malformed)?;
    Ok((first.oid()?, *parts.get(1).unwrap_or(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AES256: &[u8] = include_bytes!("../../../tests/fixtures/wire/certificates/aes256.p12");
    const UNCHECKED: &[u8] =
        include_bytes!("../../../tests/fixtures/wire/certificates/aes128-no-checksum.p12");
    const EMPTY: &[u8] =
        include_bytes!("../../../tests/fixtures/wire/certificates/empty-password.p12");
    const SHA1_CHECKED: &[u8] =
        include_bytes!("../../../tests/fixtures/wire/certificates/sha1-checksum.p12");
    const OLD_FORM: &[u8] =
        include_bytes!("../../../tests/fixtures/wire/certificates/rc2-3des.p12");

    #[test]
    fn key_and_chain_come_out_with_the_right_password() {
        for (bytes, password, checked) in [
            (AES256, "smörgås", true),
            (UNCHECKED, "secret", false),
            (EMPTY, "", true),
            (SHA1_CHECKED, "secret", true),
        ] {
            let contents = read(bytes, password).unwrap();
            assert_eq!(contents.certificates.len(), 3);
            assert_eq!(contents.keys.len(), 1);
            assert_eq!(contents.checked, checked);
        }
    }

    #[test]
    fn a_wrong_password_is_said_to_be_one() {
        for (bytes, password) in [
            (AES256, "smorgas"),
            (UNCHECKED, "Secret"),
            (EMPTY, "x"),
            (SHA1_CHECKED, ""),
        ] {
            let refused = read(bytes, password).err();
            assert_eq!(refused, Some(Pkcs12Problem::WrongPassword));
        }
    }

    #[test]
    fn the_old_encryption_is_refused_with_the_command_that_converts() {
        let refused = read(OLD_FORM, "secret").err().unwrap();
        assert_eq!(refused, Pkcs12Problem::OldEncryption);
        let said = refused.to_string();
        // Old ciphers want `-legacy`, and it reads files alone: a pipe would be asked for a password.
        assert!(said.contains("openssl pkcs12 -legacy -in OLD.p12 -nodes -out NEW.pem"));
        assert!(said.contains("umask 077") && !said.contains('|'), "{said}");
    }

    #[test]
    fn a_file_may_not_cost_minutes() {
        // The rounds of the checksum, 2,048, stand as an INTEGER at the end of the file.
        let rounds = [0x02, 0x02, 0x08, 0x00];
        let mut dear = AES256.to_vec();
        assert!(dear.ends_with(&rounds));
        let at = dear.len() - rounds.len();
        // 0x7fff rounds are fine; what is refused is the sum of all.
        dear[at + 2] = 0x7f;
        let refused = read(&dear, "smörgås").err();
        assert_eq!(refused, Some(Pkcs12Problem::WrongPassword));
        let mut reader = Reader {
            password: "",
            rounds: MOST_ROUNDS,
            bags: 1,
            contents: Contents::default(),
        };
        reader.spend(MOST_ROUNDS - 1).unwrap();
        assert_eq!(reader.spend(2), Err(Pkcs12Problem::TooManyRounds));
        assert_eq!(reader.spend(0), Err(Pkcs12Problem::Malformed));
    }

    #[test]
    fn damaged_files_are_refused_without_a_panic() {
        for length in 0..AES256.len() {
            assert!(read(&AES256[..length], "smörgås").is_err());
        }
        for at in (0..UNCHECKED.len()).step_by(5) {
            let mut damaged = UNCHECKED.to_vec();
            damaged[at] ^= 0x55;
            drop(read(&damaged, "secret"));
        }
    }
}
