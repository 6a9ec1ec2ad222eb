//! A number that sets what this node does apart from the same on others.

/// A number of chance, never 0.
pub(super) fn fresh() -> u64 {
    let mut seed = [0; 8];
    // Without randomness all nodes come at once, which is no harm to one of them.
    aws_lc_rs::rand::fill(&mut seed).ok();
    u64::from_le_bytes(seed) | 1
}
