//! Which Xsi-Actions requests the XSP never sees (Xsi-Actions field page, section 8).

use http::Method;

use crate::domain::edge::reason::Reason;
use crate::domain::xsi::path::ActionPath;
use crate::domain::xsi::path::Resource;
use crate::domain::xsi::path::Root;
use crate::domain::xsi::path::Version;

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `callcenter/*`.
    CallCenter,
    /// `calls/CallMeNow`.
    CallMeNow,
    /// `profile/DeviceToken`.
    DeviceToken,
    /// `group/*`.
    Group,
    /// `collaborate/room/*/outgoingdial`.
    OutgoingDial,
    /// `profile/Password/*`, unless only read.
    PasswordChange,
    /// `routepoint/*`.
    RoutePoint,
    /// `system/*`.
    System,
    /// The `v1.0` tree.
    Version1,
}

impl Subject {
    /// Every subject.
    pub const ALL: [Self; 9] = [
        Self::CallCenter,
        Self::CallMeNow,
        Self::DeviceToken,
        Self::Group,
        Self::OutgoingDial,
        Self::PasswordChange,
        Self::RoutePoint,
        Self::System,
        Self::Version1,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    const fn reason(self) -> Reason {
        match self {
            Self::CallCenter => Reason::CallCenterDenied,
            Self::CallMeNow => Reason::CallMeNowDenied,
            Self::DeviceToken => Reason::DeviceTokenDenied,
            Self::Group => Reason::GroupDenied,
            Self::OutgoingDial => Reason::OutgoingDialDenied,
            Self::PasswordChange => Reason::PasswordChangeDenied,
            Self::RoutePoint => Reason::RoutePointDenied,
            Self::System => Reason::SystemDenied,
            Self::Version1 => Reason::Version1Denied,
        }
    }
}

/// The subjects denied; a fresh one denies nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    denied: u16,
}

impl Policy {
    /// Also denies `subject`.
    #[must_use]
    pub const fn deny(self, subject: Subject) -> Self {
        Self {
            denied: self.denied | subject.bit(),
        }
    }

    const fn denies(self, subject: Subject) -> bool {
        self.denied & subject.bit() != 0
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The XSP sees it.
    Permit,
    /// It is answered here.
    Deny(Reason),
}

/// Decides by every subject that the request touches.
#[must_use]
pub fn decide(policy: &Policy, method: &Method, path: &ActionPath<'_>) -> Decision {
    if policy.denied == 0 {
        return Decision::Permit;
    }
    let version = match path.version {
        Version::V1 => Some(Subject::Version1),
        Version::V2 | Version::Unknown => None,
    };
    let root = match path.root {
        Root::CallCenter => Some(Subject::CallCenter),
        Root::Group => Some(Subject::Group),
        Root::RoutePoint => Some(Subject::RoutePoint),
        Root::System => Some(Subject::System),
        Root::Collaborate | Root::MeetMeConference | Root::Other | Root::User => None,
    };
    let resource = match path.resource {
        Resource::CallMeNow => Some(Subject::CallMeNow),
        Resource::DeviceToken => Some(Subject::DeviceToken),
        Resource::OutgoingDial => Some(Subject::OutgoingDial),
        // Any method that may change something: some containers override methods by header.
        Resource::Password if !method.is_safe() => Some(Subject::PasswordChange),
        Resource::Password | Resource::Other => None,
    };
    [resource, version, root]
        .into_iter()
        .flatten()
        .find(|subject| policy.denies(*subject))
        .map_or(Decision::Permit, |subject| Decision::Deny(subject.reason()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::edge::target::judge;
    use proptest::prelude::*;

    fn everything() -> Policy {
        Subject::ALL
            .into_iter()
            .fold(Policy::default(), Policy::deny)
    }

    fn decide_raw(policy: Policy, method: &Method, raw: &str) -> Decision {
        let seen = judge(raw.as_bytes()).unwrap();
        decide(&policy, method, &ActionPath::parse(seen.path()))
    }

    #[test]
    fn each_subject_is_denied_by_its_own_rule_and_by_no_other() {
        let post = Method::POST;
        let table = [
            (
                Subject::CallMeNow,
                post.clone(),
                "/v2.0/user/a/calls/CallMeNow?address=1",
            ),
            (
                Subject::OutgoingDial,
                post.clone(),
                "/v2.0/user/a/collaborate/room/r/outgoingdial",
            ),
            (
                Subject::OutgoingDial,
                post.clone(),
                "/v2.0/collaborate/room/r/outgoingdial",
            ),
            (Subject::Version1, Method::GET, "/v1.0/user/a/profile"),
            (
                Subject::PasswordChange,
                Method::PUT,
                "/v2.0/user/a/profile/Password/Portal",
            ),
            (
                Subject::DeviceToken,
                post,
                "/v2.0/user/a/profile/deviceToken?deviceName=x",
            ),
            (
                Subject::System,
                Method::GET,
                "/v2.0/system/services/RoutePoint",
            ),
            (Subject::RoutePoint, Method::GET, "/v2.0/routepoint/r/calls"),
            (Subject::CallCenter, Method::GET, "/v2.0/callcenter/q/calls"),
            (
                Subject::Group,
                Method::GET,
                "/v2.0/group/g/services/CallCenter",
            ),
        ];
        for (subject, method, raw) in table {
            let own = Policy::default().deny(subject);
            assert_eq!(
                decide_raw(own, &method, raw),
                Decision::Deny(subject.reason()),
                "{raw}"
            );
            let others = Policy {
                denied: everything().denied & !subject.bit(),
            };
            assert_eq!(decide_raw(others, &method, raw), Decision::Permit, "{raw}");
        }
    }

    #[test]
    fn ordinary_requests_pass_the_strictest_policy() {
        let table = [
            (Method::GET, "/v2.0/user/alice@as.example.net/profile"),
            (Method::GET, "/v2.0/user/system/profile"),
            (Method::GET, "/v2.0/user/group/calls"),
            (Method::GET, "/v2.0/user/a/profile/Device"),
            (Method::POST, "/v2.0/user/a/calls/new?address=callmenow"),
            (Method::GET, "/v2.0/user/a/profile/Password/Portal"),
            (
                Method::POST,
                "/v2.0/meetmeconference/b/conference/c/outgoingdial?address=1",
            ),
            (Method::PUT, "/v2.0/user/a/services/callcenter"),
            (Method::GET, "/v2.0/user/a/directories/Group"),
            (Method::GET, "/v2.0/versions"),
        ];
        for (method, raw) in table {
            assert_eq!(
                decide_raw(everything(), &method, raw),
                Decision::Permit,
                "{raw}"
            );
        }
    }

    #[test]
    fn no_spelling_gets_past_a_rule() {
        let call_me_now = [
            "/v2.0/user/a/calls/%43allMeNow",
            "/v2.0/user/a/calls/%2543allMeNow",
            "/v2.0/user/a/calls/CALLMENOW",
            "/v2.0/user/a/calls//CallMeNow",
            "/v2.0/user/a/calls/CallMeNow/",
            "/v2.0/user/a/calls/CallMeNow;x=1",
            "/v2.0/user/a/calls;jsessionid=1/CallMeNow",
            "/v2.0/user/a/calls/;/CallMeNow",
            "/v2.0/user/a/calls%2FCallMeNow",
            "/v2.0/user/a%2Fb/calls/CallMeNow",
            "/v2.0/user/a/calls\\CallMeNow",
            "/v2.0/user/a/calls/CallMeNow%20",
            "/v2.0/user/a/calls/CallMeNow.json",
            "/v2.0/user/a/call%C5%BF/CallMeNow",
            "/v2.0/user/a/calls/CallMeNow%3Bx",
            "/v2.0/user/a/calls/CallMeNow?",
            "//v2.0//user//a//calls//CallMeNow//",
            "/user/a/calls/CallMeNow",
        ];
        for raw in call_me_now {
            for method in [Method::POST, Method::GET, Method::OPTIONS] {
                let decision = decide_raw(everything(), &method, raw);
                assert_eq!(decision, Decision::Deny(Reason::CallMeNowDenied), "{raw}");
            }
        }
        let roots = [
            ("/v2.0/%73ystem/x", Reason::SystemDenied),
            ("/v2.0//system/x", Reason::SystemDenied),
            ("/v2.0;a=b/system;x/y", Reason::SystemDenied),
            ("/system/x", Reason::SystemDenied),
            ("/v2.0/SY%C5%BFTEM/x", Reason::SystemDenied),
            ("/v2%2E0/routepo%C4%B1nt/r", Reason::RoutePointDenied),
            ("/%761.0/user/a", Reason::Version1Denied),
            ("/V1.0;x/user/a", Reason::Version1Denied),
            ("/v2.0/CallCenter%2Fq/calls", Reason::CallCenterDenied),
            ("/v2.0/%67roup/g", Reason::GroupDenied),
        ];
        for (raw, reason) in roots {
            assert_eq!(
                decide_raw(everything(), &Method::GET, raw),
                Decision::Deny(reason),
                "{raw}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_mix_of_case_and_escapes_of_call_me_now_is_denied(
            choices in proptest::collection::vec(0_u8..4, 9)
        ) {
            let word: String = "callmenow"
                .chars()
                .zip(choices)
                .map(|(letter, choice)| match choice {
                    0 => letter.to_string(),
                    1 => letter.to_ascii_uppercase().to_string(),
                    2 => format!("%{:02x}", letter as u32),
                    _ => format!("%25{:02X}", letter as u32),
                })
                .collect();
            let raw = format!("/v2.0/user/a/calls/{word}");
            prop_assert_eq!(
                decide_raw(everything(), &Method::POST, &raw),
                Decision::Deny(Reason::CallMeNowDenied)
            );
        }
    }
}
