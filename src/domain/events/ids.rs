//! Names that BroadWorks gives to things on the event interface. All are opaque and compared byte
//! for byte.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::Serializer;

macro_rules! opaque {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// As BroadWorks wrote it.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// As BroadWorks wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

opaque! {
    /// One half of a call, seen from one user: `callhalf-12215:0`.
    CallId
}
opaque! {
    /// An event channel.
    ChannelId
}
opaque! {
    /// One event; what an acknowledgement names.
    EventId
}
opaque! {
    /// A subscription.
    SubscriptionId
}
opaque! {
    /// `extTrackingId`: the same on both halves of a call, and on every leg of a hunt group.
    TrackingId
}
opaque! {
    /// A BroadWorks user, `alice@example.net`.
    UserId
}
