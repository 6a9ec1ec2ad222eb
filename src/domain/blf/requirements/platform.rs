//! What the platform and the Webex app need besides the user's own data: patches, an activatable
//! feature, an option of the device type, tags. Nothing here can be asked over Xsi.
//!
//! All of it is from the Solution Guide of Webex for Cisco BroadWorks, chapter "Busy Lamp Field/Call
//! Pickup Notification".

use crate::domain::blf::requirements::Check;
use crate::domain::blf::requirements::Verdict;

/// Release of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 22.
    R22,
    /// 23.
    R23,
    /// 24.
    R24,
}

/// What carries the Xsi applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// The Application Delivery Platform.
    Adp,
    /// The Xtended Services Platform.
    Xsp,
}

/// A platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// Its release.
    pub release: Release,
    /// Its carrier; with release 22 always the XSP, with 24 always the ADP.
    pub carrier: Carrier,
}

impl Platform {
    /// Every one that the guide has a list for.
    pub const ALL: [Self; 4] = [
        Self::new(Release::R22, Carrier::Xsp),
        Self::new(Release::R23, Carrier::Xsp),
        Self::new(Release::R23, Carrier::Adp),
        Self::new(Release::R24, Carrier::Adp),
    ];

    const fn new(release: Release, carrier: Carrier) -> Self {
        Self { release, carrier }
    }

    /// How it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.release, self.carrier) {
            (Release::R22, _) => "R22",
            (Release::R23, Carrier::Xsp) => "R23 with XSP",
            (Release::R23, Carrier::Adp) => "R23 with ADP",
            (Release::R24, _) => "R24",
        }
    }

    /// Patches and application archives that must be installed, by the names of the guide.
    #[must_use]
    pub fn patches(self) -> Vec<&'static str> {
        match (self.release, self.carrier) {
            (Release::R22, _) => R22.to_vec(),
            (Release::R23, Carrier::Xsp) => [R23, R23_XSP].concat(),
            (Release::R23, Carrier::Adp) => [R23, R23_ADP].concat(),
            (Release::R24, _) => R24.to_vec(),
        }
    }
}

const R22: &[&str] = &[
    "AP.platform.22.0.1123.ap382053",
    "AP.as.22.0.1123.ap382053",
    "AP.as.22.0.1123.ap382362",
    "AP.xsp.22.0.1123.ap382053",
    "AP.xsp.22.0.1123.ap382362",
    "AP.as.22.0.1123.ap383459",
    "AP.as.22.0.1123.ap383520",
];

const R23: &[&str] = &[
    "AP.platform.23.0.1075.ap382053",
    "AP.as.23.0.1075.ap382053",
    "AP.as.23.0.1075.ap382362",
    "AP.as.23.0.1075.ap383459",
    "AP.as.23.0.1075.ap383520",
];

const R23_XSP: &[&str] = &["AP.xsp.23.0.1075.ap382053", "AP.xsp.23.0.1075.ap382362"];

const R23_ADP: &[&str] = &[
    "Xsi-Actions-23_2022.01_1.200.bwar",
    "Xsi-Events-23_2022.01_1.201.bwar (or later)",
];

const R24: &[&str] = &[
    "AP.as.24.0.944.ap382053",
    "AP.as.24.0.944.ap382362",
    "AP.as.24.0.944.ap383459",
    "AP.as.24.0.944.ap383520",
    "Xsi-Actions-24_2022.01_1.200.bwar",
    "Xsi-Events-24_2022.01_1.201.bwar (or later)",
];

/// Tags of the Webex app's configuration template. The spelling of the last one is the guide's own.
const TAGS: [(&str, &str); 3] = [
    (
        "%ENABLE_BUSY_LAMP_FIELD_WXT%",
        "<busy-lamp-field enabled=\"%ENABLE_BUSY_LAMP_FIELD_WXT%\">: true",
    ),
    (
        "%ENABLE_BLF_DISPLAY_CALLER_WXT%",
        "<display-caller enabled=\"%ENABLE_BLF_DISPLAY_CALLER_WXT%\"/>: true to show who calls",
    ),
    (
        "%BLF_NOTIFICATON_DELAY_TIME_WXT%",
        "<notification-delay time=\"%BLF_NOTIFICATON_DELAY_TIME_WXT%\"/>: optional, seconds; \
         spelled so, without the second I",
    ),
];

/// The checks that only a person can make; for every platform when none is named.
pub(super) fn by_hand(platform: Option<Platform>) -> Vec<Check> {
    let mut all = vec![
        Check {
            items: TAGS.iter().map(|(_, item)| (*item).to_owned()).collect(),
            ..Check::ok(
                "webex-tags",
                "Are the tags set for the Webex app?",
                "in the device profile template of the Webex app",
            )
            .bad(Verdict::ByHand, "set the system or group tags, then rebuild the profiles")
        },
        Check {
            items: vec!["AS_CLI/System/ActivatableFeature> activate 101642".to_owned()],
            ..Check::ok(
                "feature-101642",
                "Is the feature 101642, Enhanced Xsi Mechanism For Team Telephony, active?",
                "on the Application Server",
            )
            .bad(Verdict::ByHand, "activate it; the Webex app's own lamps rest on it")
        },
        Check {
            items: vec![
                "AS_CLI/System/DeviceType/SIP> set <device_profile_type> supportRemotePartyInfo true"
                    .to_owned(),
            ],
            ..Check::ok(
                "remote-party-info",
                "Does the device type of the Webex app support X-BroadWorks-Remote-Party-Info?",
                "on the Application Server",
            )
            .bad(Verdict::ByHand, "set it; some SIP call flows need it")
        },
    ];
    let platforms = Platform::ALL;
    let wanted = platforms
        .into_iter()
        .filter(|known| platform.is_none_or(|wanted| wanted == *known));
    all.extend(wanted.map(patches));
    all
}

fn patches(platform: Platform) -> Check {
    let id = match (platform.release, platform.carrier) {
        (Release::R22, _) => "patches-r22",
        (Release::R23, Carrier::Xsp) => "patches-r23-xsp",
        (Release::R23, Carrier::Adp) => "patches-r23-adp",
        (Release::R24, _) => "patches-r24",
    };
    let items = platform.patches().into_iter().map(str::to_owned).collect();
    Check {
        items,
        ..Check::ok(
            id,
            "Are these patches and applications installed?",
            format!("{}, by the Solution Guide", platform.as_str()),
        )
        .bad(
            Verdict::ByHand,
            "install what is missing; later patches and applications contain earlier ones",
        )
    }
}
