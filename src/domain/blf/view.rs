//! What a line shows, in both views (Xsi-Events field page, 4.4; Solution Guide, BLF limits).

use serde::Serialize;

/// The full view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lamp {
    /// Nothing certain.
    Unknown,
    /// No call, on hook.
    Idle,
    /// Called, and in no other call.
    Ringing,
    /// Called while in another call.
    RingingBusy,
    /// In a call.
    OnCall,
    /// All calls held by the user.
    Held,
    /// Off hook without a call: dialling.
    Busy,
}

/// The view that the Webex app gives of lines without Webex presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebexLamp {
    /// Nothing, or nothing since the watcher came.
    Unknown,
    /// In a call, held or not.
    OnACall,
}

impl Lamp {
    /// All lamps, in the order in which they are counted.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Idle,
        Self::Ringing,
        Self::RingingBusy,
        Self::OnCall,
        Self::Held,
        Self::Busy,
    ];

    /// The word of metrics, logs and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Idle => "idle",
            Self::Ringing => "ringing",
            Self::RingingBusy => "ringing-busy",
            Self::OnCall => "on-call",
            Self::Held => "held",
            Self::Busy => "busy",
        }
    }

    /// As the Webex app shows it to a watcher who heard of the line since he came, or not.
    /// Ringing only raises the pop-up; idle is left to presence, which such lines do not have.
    #[must_use]
    pub const fn webex(self, heard_since: bool) -> WebexLamp {
        match self {
            Self::RingingBusy | Self::OnCall | Self::Held | Self::Busy if heard_since => {
                WebexLamp::OnACall
            }
            Self::Unknown
            | Self::Idle
            | Self::Ringing
            | Self::RingingBusy
            | Self::OnCall
            | Self::Held
            | Self::Busy => WebexLamp::Unknown,
        }
    }

    /// Whether a change between the two is mere talking and holding, which flaps.
    pub(super) const fn flaps(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::OnCall, Self::Held) | (Self::Held, Self::OnCall)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_webex_view_has_the_limits_of_the_app() {
        for (lamp, webex) in [
            (Lamp::Unknown, WebexLamp::Unknown),
            (Lamp::Idle, WebexLamp::Unknown),
            (Lamp::Ringing, WebexLamp::Unknown),
            (Lamp::RingingBusy, WebexLamp::OnACall),
            (Lamp::OnCall, WebexLamp::OnACall),
            (Lamp::Held, WebexLamp::OnACall),
            (Lamp::Busy, WebexLamp::OnACall),
        ] {
            assert_eq!(lamp.webex(true), webex, "{lamp:?}");
            assert_eq!(lamp.webex(false), WebexLamp::Unknown, "{lamp:?}");
        }
    }
}
