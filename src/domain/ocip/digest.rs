//! The signed password of `LoginRequest14sp4`.
//!
//! MD5 and SHA-1 are what the Application Server asks for here. They keep the password from
//! travelling in clear, no more: whoever hears both messages can try passwords at leisure.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// MD5 over the nonce, a colon and the SHA-1 of the password, both digests in lower-case hex
/// (as public OCI-P clients do it).
#[must_use]
pub fn signed_password(nonce: &str, password: &[u8]) -> Zeroizing<String> {
    let password = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password);
    let hidden = hex(password.as_ref());
    let mut signed = Zeroizing::new(Vec::with_capacity(nonce.len() + 1 + hidden.len()));
    signed.extend_from_slice(nonce.as_bytes());
    signed.push(b':');
    signed.extend_from_slice(hidden.as_bytes());
    hex(&md5(&signed))
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

/// MD5 (RFC 1321), which the TLS library rightly does not offer.
fn md5(message: &[u8]) -> [u8; 16] {
    let bits = (message.len() as u64).wrapping_mul(8);
    let mut padded = Zeroizing::new(Vec::with_capacity(message.len() + 72));
    padded.extend_from_slice(message);
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&bits.to_le_bytes());

    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let (blocks, _) = padded.as_chunks::<64>();
    for block in blocks {
        absorb(&mut state, block);
    }
    let mut out = [0; 16];
    for (to, from) in out
        .iter_mut()
        .zip(state.iter().flat_map(|word| word.to_le_bytes()))
    {
        *to = from;
    }
    out
}

/// Left rotations of the four rounds.
const ROTATIONS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

#[expect(
    clippy::indexing_slicing,
    reason = "every index is below 16 or 4 by its remainder"
)]
fn absorb(state: &mut [u32; 4], block: &[u8; 64]) {
    let mut words = [0_u32; 16];
    let (bytes, _) = block.as_chunks::<4>();
    for (word, bytes) in words.iter_mut().zip(bytes) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    for step in 0..64_usize {
        let (mixed, word) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let sum = a
            .wrapping_add(mixed)
            .wrapping_add(sine(step))
            .wrapping_add(words[word % 16]);
        let turned = sum.rotate_left(ROTATIONS[step / 16 % 4][step % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    for (held, new) in state.iter_mut().zip([a, b, c, d]) {
        *held = held.wrapping_add(new);
    }
}

/// The constant of a step: the integer part of 2^32 times |sin(step + 1)|.
fn sine(step: usize) -> u32 {
    (f64::sin((step + 1) as f64).abs() * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test suite of RFC 1321, appendix A.5.
    #[test]
    fn md5_is_the_one_of_the_rfc() {
        for (message, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "abcdefghijklmnopqrstuvwxyz",
                "c3fcd3d76192e4007dfb496cca67e13b",
            ),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f",
            ),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(*hex(&md5(message.as_bytes())), digest, "{message}");
        }
    }

    /// Values computed with another implementation of both digests.
    #[test]
    fn the_signed_password_is_known() {
        for (nonce, password, signed) in [
            (
                "1616017564343",
                "secret",
                "fe30b2f21dcee01aba9b843e2011f0ec",
            ),
            ("", "x", "4acf13fc255c970bac482b0cd6c9397a"),
            ("1136300593147", "admin", "432593bae573706acb2a39ddfa7c113f"),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "pässwörd",
                "b7b944d7934646cab64b0216726af2a5",
            ),
            (
                "01234567890123456789012345678901234567890123456789",
                "",
                "a586e216b5c0374be1314ebfeca5fa3f",
            ),
        ] {
            assert_eq!(
                *signed_password(nonce, password.as_bytes()),
                signed,
                "{nonce}"
            );
        }
    }
}
