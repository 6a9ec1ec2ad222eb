//! The clusters of Cisco's Common Identity (CI) and of the Webex Teams services, with the URLs
//! that Cisco publishes for them (Solution Guide, "Configure Authentication Service", and Device
//! Integration Guide). An operator names two clusters instead of copying three URLs.

/// A CI cluster: its issuer is `issuerName` and `issuerUrl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CiCluster {
    /// United Arab Emirates.
    Ae,
    /// Australia.
    Au,
    /// Canada.
    Ca,
    /// Europe.
    Eu,
    /// India.
    In,
    /// Singapore.
    Sg,
    /// United States, first cluster.
    UsA,
    /// United States, second cluster.
    UsB,
}

/// A cluster of the Webex Teams services: its `IdP` proxy has the `tokenInfoUrl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TeamsCluster {
    /// US East.
    Achm,
    /// Saudi Arabia.
    Adxb,
    /// Europe.
    Afra,
    /// US West.
    Aore,
    /// Australia.
    Asyd,
}

/// A part of the world that has clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Region {
    /// Australia.
    Australia,
    /// Canada.
    Canada,
    /// Europe, the Middle East and Africa, but for the Gulf.
    Europe,
    /// India.
    India,
    /// United Arab Emirates and Saudi Arabia.
    MiddleEast,
    /// Singapore.
    Singapore,
    /// United States.
    UnitedStates,
}

/// Whether two clusters serve the same users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// They are of different regions: users' tokens would be checked where nobody knows them.
    Apart,
    /// No source names the Teams cluster that goes with this CI cluster, so nothing can be said
    /// against it; worth a warning.
    NotKnown,
    /// They are of one region.
    Together,
}

/// Whether `ci` and `teams` go together: Europe and the United States by Cisco's table of network
/// requirements, the Gulf and Australia by their regions. For Canada, India and Singapore no
/// Teams cluster is published.
#[must_use]
pub fn match_regions(ci: CiCluster, teams: TeamsCluster) -> Match {
    let region = ci.region();
    if region == teams.region() {
        Match::Together
    } else if TeamsCluster::ALL.iter().any(|t| t.region() == region) {
        Match::Apart
    } else {
        Match::NotKnown
    }
}

impl CiCluster {
    /// Every cluster.
    pub const ALL: [Self; 8] = [
        Self::Ae,
        Self::Au,
        Self::Ca,
        Self::Eu,
        Self::In,
        Self::Sg,
        Self::UsA,
        Self::UsB,
    ];

    /// The names of all, for messages.
    pub const WORDS: &'static str = "AE, AU, CA, EU, IN, SG, US-A, US-B";

    /// The cluster of this name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let same = |cluster: &Self| cluster.as_str().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(same)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ae => "AE",
            Self::Au => "AU",
            Self::Ca => "CA",
            Self::Eu => "EU",
            Self::In => "IN",
            Self::Sg => "SG",
            Self::UsA => "US-A",
            Self::UsB => "US-B",
        }
    }

    /// `issuerName`, which is `issuerUrl` too.
    #[must_use]
    pub const fn issuer(self) -> &'static str {
        match self {
            Self::Ae => "https://idbroker-ae.webex.com/idb",
            Self::Au => "https://idbroker-au.webex.com/idb",
            Self::Ca => "https://idbroker-ca.webex.com/idb",
            Self::Eu => "https://idbroker-eu.webex.com/idb",
            Self::In => "https://idbroker-in.webex.com/idb",
            Self::Sg => "https://idbroker-sg.webex.com/idb",
            Self::UsA => "https://idbroker.webex.com/idb",
            Self::UsB => "https://idbroker-b-us.webex.com/idb",
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn region(self) -> Region {
        match self {
            Self::Ae => Region::MiddleEast,
            Self::Au => Region::Australia,
            Self::Ca => Region::Canada,
            Self::Eu => Region::Europe,
            Self::In => Region::India,
            Self::Sg => Region::Singapore,
            Self::UsA | Self::UsB => Region::UnitedStates,
        }
    }
}

impl TeamsCluster {
    /// Every cluster.
    pub const ALL: [Self; 5] = [Self::Achm, Self::Adxb, Self::Afra, Self::Aore, Self::Asyd];

    /// The names of all, for messages.
    pub const WORDS: &'static str = "ACHM, ADXB, AFRA, AORE, ASYD";

    /// The cluster of this name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let same = |cluster: &Self| cluster.as_str().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(same)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Achm => "ACHM",
            Self::Adxb => "ADXB",
            Self::Afra => "AFRA",
            Self::Aore => "AORE",
            Self::Asyd => "ASYD",
        }
    }

    /// `tokenInfoUrl`.
    #[must_use]
    pub const fn token_info_url(self) -> &'static str {
        match self {
            Self::Achm => {
                "https://broadworks-idp-proxy-a.wbx2.com/broadworks-idp-proxy/api/v1/idp/authenticate"
            }
            Self::Adxb => {
                "https://broadworks-idp-proxy-d.wbx2.com/broadworks-idp-proxy/api/v1/idp/authenticate"
            }
            Self::Afra => {
                "https://broadworks-idp-proxy-k.wbx2.com/broadworks-idp-proxy/api/v1/idp/authenticate"
            }
            Self::Aore => {
                "https://broadworks-idp-proxy-r.wbx2.com/broadworks-idp-proxy/api/v1/idp/authenticate"
            }
            Self::Asyd => {
                "https://broadworks-idp-proxy-m.wbx2.com/broadworks-idp-proxy/api/v1/idp/authenticate"
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn region(self) -> Region {
        match self {
            Self::Achm | Self::Aore => Region::UnitedStates,
            Self::Adxb => Region::MiddleEast,
            Self::Afra => Region::Europe,
            Self::Asyd => Region::Australia,
        }
    }
}

impl Region {
    /// Its name, for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Australia => "Australia",
            Self::Canada => "Canada",
            Self::Europe => "Europe",
            Self::India => "India",
            Self::MiddleEast => "Middle East",
            Self::Singapore => "Singapore",
            Self::UnitedStates => "United States",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn clusters_are_known_by_name_in_any_case() {
        for cluster in CiCluster::ALL {
            assert_eq!(CiCluster::parse(cluster.as_str()), Some(cluster));
        }
        for cluster in TeamsCluster::ALL {
            assert_eq!(TeamsCluster::parse(cluster.as_str()), Some(cluster));
        }
        assert_eq!(CiCluster::parse("us-a"), Some(CiCluster::UsA));
        assert_eq!(TeamsCluster::parse("afra"), Some(TeamsCluster::Afra));
        for unknown in ["", "US", "US-C", "AFRA ", "EU\n"] {
            assert_eq!(CiCluster::parse(unknown), None, "{unknown:?}");
            assert_eq!(TeamsCluster::parse(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn the_words_of_messages_are_the_names() {
        let names = CiCluster::ALL.map(CiCluster::as_str).join(", ");
        assert_eq!(names, CiCluster::WORDS);
        let names = TeamsCluster::ALL.map(TeamsCluster::as_str).join(", ");
        assert_eq!(names, TeamsCluster::WORDS);
    }

    #[test]
    fn no_two_clusters_share_a_url() {
        let issuers: BTreeSet<_> = CiCluster::ALL.map(CiCluster::issuer).into();
        assert_eq!(issuers.len(), CiCluster::ALL.len());
        let urls: BTreeSet<_> = TeamsCluster::ALL.map(TeamsCluster::token_info_url).into();
        assert_eq!(urls.len(), TeamsCluster::ALL.len());
    }

    #[test]
    fn clusters_of_one_region_go_together() {
        use CiCluster as Ci;
        use TeamsCluster as Teams;
        for (ci, teams, expected) in [
            (Ci::Eu, Teams::Afra, Match::Together),
            (Ci::UsA, Teams::Achm, Match::Together),
            (Ci::UsA, Teams::Aore, Match::Together),
            (Ci::UsB, Teams::Achm, Match::Together),
            (Ci::UsB, Teams::Aore, Match::Together),
            (Ci::Ae, Teams::Adxb, Match::Together),
            (Ci::Au, Teams::Asyd, Match::Together),
            (Ci::Eu, Teams::Achm, Match::Apart),
            (Ci::UsA, Teams::Afra, Match::Apart),
            (Ci::Ae, Teams::Afra, Match::Apart),
            (Ci::Ca, Teams::Achm, Match::NotKnown),
            (Ci::In, Teams::Afra, Match::NotKnown),
            (Ci::Sg, Teams::Asyd, Match::NotKnown),
        ] {
            assert_eq!(match_regions(ci, teams), expected, "{ci:?} {teams:?}");
        }
    }
}
