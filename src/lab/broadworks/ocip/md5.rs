//! MD5 (RFC 1321), which the digest login of OCI-P is made of. Good for nothing else.

/// Shifts of the four rounds.
const SHIFTS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// The digest in lower-case hexadecimal digits.
pub(super) fn hex(text: &[u8]) -> String {
    let mut padded = text.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    let bits = u64::try_from(text.len())
        .unwrap_or(u64::MAX)
        .wrapping_mul(8);
    padded.extend_from_slice(&bits.to_le_bytes());
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        state = mix(state, block);
    }
    let bytes = state.into_iter().flat_map(u32::to_le_bytes);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn mix(state: [u32; 4], block: &[u8]) -> [u32; 4] {
    let words: Vec<u32> = block
        .chunks_exact(4)
        .map(|word| {
            word.iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
        })
        .collect();
    let [mut a, mut b, mut c, mut d] = state;
    for step in 0..64_usize {
        let (round, at) = (step / 16, step);
        let (mixed, word) = match round {
            0 => ((b & c) | (!b & d), at),
            1 => ((d & b) | (!d & c), 5 * at + 1),
            2 => (b ^ c ^ d, 3 * at + 5),
            _ => (c ^ (b | !d), 7 * at),
        };
        let word = words.get(word % 16).copied().unwrap_or_default();
        let shift = SHIFTS
            .get(round)
            .and_then(|shifts| shifts.get(step % 4))
            .copied()
            .unwrap_or_default();
        let sum = a
            .wrapping_add(mixed)
            .wrapping_add(sine(step))
            .wrapping_add(word);
        (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(shift)));
    }
    let [first, second, third, fourth] = state;
    [
        first.wrapping_add(a),
        second.wrapping_add(b),
        third.wrapping_add(c),
        fourth.wrapping_add(d),
    ]
}

/// The table of RFC 1321 section 3.4: 2^32 times |sin(step + 1)|, without its fraction.
fn sine(step: usize) -> u32 {
    let angle = u32::try_from(step + 1).map_or(0.0, f64::from);
    (angle.sin().abs() * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_suite_of_rfc_1321_passes() {
        for (text, digest) in [
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
            assert_eq!(hex(text.as_bytes()), digest, "{text}");
        }
    }
}
