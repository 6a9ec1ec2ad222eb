//! One number per user, the same on every route, every node and after every restart.

/// Hash of a user id; letter case does not count.
///
/// FNV-1a with a finishing mix: the number only shares users out, it keeps nothing secret.
#[must_use]
pub fn of_user(id: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = id.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(PRIME)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

/// Hash of a client address, for requests that name no user.
#[must_use]
pub fn of_address(address: std::net::IpAddr) -> u64 {
    match address.to_canonical() {
        std::net::IpAddr::V4(v4) => of_user(&v4.octets()),
        std::net::IpAddr::V6(v6) => of_user(&v6.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_count_and_users_differ() {
        assert_eq!(
            of_user(b"Alice@AS.example.net"),
            of_user(b"alice@as.example.net")
        );
        assert_ne!(of_user(b"alice"), of_user(b"alicf"));
    }

    #[test]
    fn a_mapped_address_is_the_address() {
        let plain = "192.0.2.7".parse().unwrap();
        let mapped = "::ffff:192.0.2.7".parse().unwrap();
        assert_eq!(of_address(plain), of_address(mapped));
    }
}
