//! Ids as an Application Server makes them: UUIDs. Made from a seed, so that a run can be repeated.

use std::fmt;

/// A UUID, version 4 in its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(u128);

impl Uuid {
    /// With the marks of version 4 put in.
    #[must_use]
    pub const fn of(number: u128) -> Self {
        Self(number & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62))
    }

    /// From its form on the wire, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        (groups == [8, 4, 4, 4, 12] && plain)
            .then(|| u128::from_str_radix(&digits, 16).ok().map(Self))
            .flatten()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |from: u32, bits: u32| (self.0 >> from) & ((1 << bits) - 1);
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 32),
            part(80, 16),
            part(64, 16),
            part(48, 16),
            part(0, 48)
        )
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(in crate::lab::broadworks) Uuid);

        impl $name {
            /// From its form on the wire.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::parse(text.trim()).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// Names a channel.
    ChannelId
);
id!(
    /// Names an event, also when it is sent again.
    EventId
);
id!(
    /// Names a subscription.
    SubscriptionId
);

/// Makes ids.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    state: u64,
}

impl Ids {
    pub(super) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(super) fn next(&mut self) -> Uuid {
        let high = u128::from(self.step());
        Uuid::of(high << 64 | u128::from(self.step()))
    }

    /// splitmix64: every state comes once in 2^64 steps, so that no id comes twice.
    fn step(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
