//! The watch over certificates: bands must rise, a certificate must be found somewhere, regions must
//! have a zone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use crate::config::Certificate;
use crate::config::CertificateRole;
use crate::config::Certificates;
use crate::config::Maintenance;
use crate::config::MaintenanceRegion;
use crate::config::check::at::At;
use crate::config::check::internal_ca;
use crate::config::check::rules::Bounds;
use crate::config::check::rules::time;
use crate::config::raw;
use crate::config::raw::Raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;
use crate::domain::certs::date;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::maintenance;
use crate::domain::certs::maintenance::BadRegion;
use crate::domain::certs::maintenance::Region;
use crate::domain::certs::schedule::BAND_FORM;
use crate::domain::certs::schedule::Bands;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Changed files are seen at once; this is for those that send no events.
const SCAN_INTERVAL: Bounds<Duration> = time(5 * MINUTE, 100, DAY);
/// A peer should not notice that it is asked.
const PROBE_INTERVAL: Bounds<Duration> = time(15 * MINUTE, 100, DAY);
/// As a client would wait.
const PROBE_TIMEOUT: Bounds<Duration> = time(5_000, 50, MINUTE);
/// A farm of a dozen nodes is asked within seconds.
const PROBE_CONCURRENCY: Bounds<u32> = Bounds {
    default: 8,
    low: 1,
    high: 256,
};
/// A bundle of all public roots has 250 KiB.
const LARGEST_FILE: Bounds<u64> = Bounds {
    default: 4 << 20,
    low: 1 << 10,
    high: 64 << 20,
};
/// More is a pattern that means something else.
const MOST_FILES: Bounds<u32> = Bounds {
    default: 20_000,
    low: 1,
    high: 100_000,
};
/// One look may meet a restart, two a reboot.
const LOST_AFTER: Bounds<u32> = Bounds {
    default: 3,
    low: 1,
    high: 1_000,
};
/// A changed file is served within seconds of the debounce.
const DEPLOY_GRACE: Bounds<Duration> = time(2 * MINUTE, 0, 30 * DAY);
/// A farm is renewed node by node.
const NODES_GRACE: Bounds<Duration> = time(HOUR, 0, 30 * DAY);
/// Kerberos and TLS live with minutes; NTP never jumps by so much.
const CLOCK_TOLERANCE: Bounds<Duration> = time(30_000, 1_000, DAY);
/// Keys are rotated yearly at the latest.
const KEY_LIFETIME: Bounds<Duration> = time(400 * DAY, DAY, 3_650 * DAY);
/// As Webex documents it.
const OAUTH_LIFETIME: Bounds<Duration> = time(60 * DAY, DAY, 3_650 * DAY);
/// As the Dedicated Instance guide promises it.
const NOTICE: Bounds<u32> = Bounds {
    default: 10,
    low: 0,
    high: 100,
};
/// "Only 3 to 7 days before the end" (Dedicated Instance guide).
const LEAST_DAYS: Bounds<u32> = Bounds {
    default: 3,
    low: 0,
    high: 365,
};
const MOST_DAYS: Bounds<u32> = Bounds {
    default: 7,
    low: 0,
    high: 365,
};

/// Longest note that is repeated in alarms.
const NOTE_LENGTH: usize = 500;

const WORKDAYS: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

const DATE_FORM: &str = "a day such as \"2027-03-01\"";

/// How it is watched, what is watched besides, and when renewals are made.
pub(super) fn all(at: &At<'_>, raw: &Raw) -> (Certificates, Vec<Certificate>, Maintenance) {
    let maintenance = maintenance(&at.key("maintenance"), raw.maintenance.as_ref());
    let watched = watched(at, raw.certificate.as_deref(), &maintenance);
    let rules = certificates(&at.key("certificates"), raw.certificates.as_ref());
    (rules, watched, maintenance)
}

/// How everything is watched.
fn certificates(at: &At<'_>, raw: Option<&raw::Certificates>) -> Certificates {
    let silent = raw::Certificates::default();
    let raw = raw.unwrap_or(&silent);
    let count = |key, written, bounds| {
        usize::try_from(at.count(key, written, bounds)).unwrap_or(usize::MAX)
    };
    let of = |kind: Kind, written: Option<&[String]>| {
        bands(at, kind.bands_key(), written).unwrap_or_else(|| kind.bands())
    };
    let span = |key, written: &Option<raw::DurationText>, bounds| {
        at.duration(key, written.as_ref(), bounds)
    };
    Certificates {
        scan_interval: span("scan-interval", &raw.scan_interval, &SCAN_INTERVAL),
        probe_interval: span("probe-interval", &raw.probe_interval, &PROBE_INTERVAL),
        probe_timeout: span("probe-timeout", &raw.probe_timeout, &PROBE_TIMEOUT),
        probe_concurrency: count(
            "probe-concurrency",
            raw.probe_concurrency,
            &PROBE_CONCURRENCY,
        ),
        probe_listeners: raw.probe_listeners.unwrap_or(true),
        probe_upstreams: raw.probe_upstreams.unwrap_or(true),
        largest_file: at.size("largest-file", raw.largest_file.as_ref(), &LARGEST_FILE),
        most_files: count("most-files", raw.most_files, &MOST_FILES),
        lost_after: at.count("lost-after", raw.lost_after, &LOST_AFTER),
        deploy_grace: span("deploy-grace", &raw.deploy_grace, &DEPLOY_GRACE),
        nodes_grace: span("nodes-grace", &raw.nodes_grace, &NODES_GRACE),
        clock_tolerance: span("clock-tolerance", &raw.clock_tolerance, &CLOCK_TOLERANCE),
        key_lifetime: span("key-lifetime", &raw.key_lifetime, &KEY_LIFETIME),
        oauth_lifetime: span("oauth-lifetime", &raw.oauth_lifetime, &OAUTH_LIFETIME),
        manual: of(Kind::ManualLeaf, raw.manual.as_deref()),
        managed: of(Kind::ManagedLeaf, raw.managed.as_deref()),
        trust_anchor: of(Kind::TrustAnchor, raw.trust_anchor.as_deref()),
        oauth_token: of(Kind::OauthToken, raw.oauth_token.as_deref()),
        key_age: of(Kind::KeyAge, raw.key_age.as_deref()),
        crl: of(Kind::Crl, raw.crl.as_deref()),
        crl_files: at.list("crl-files", raw.crl_files.as_deref(), pattern),
        prober: internal_ca::prober(at, raw),
    }
}

fn bands(at: &At<'_>, key: &str, written: Option<&[String]>) -> Option<Bands> {
    let written = written?;
    match Bands::parse(written) {
        Ok(bands) => Some(bands),
        Err(bad) => {
            at.key(key).refuse(bad.to_string(), BAND_FORM);
            None
        }
    }
}

/// All certificates that are watched besides those of listeners.
fn watched(
    at: &At<'_>,
    raw: Option<&[raw::Certificate]>,
    maintenance: &Maintenance,
) -> Vec<Certificate> {
    let name = |certificate: &raw::Certificate| certificate.name.clone();
    at.named("certificate", raw, name, |at, name, raw| {
        certificate(at, name, raw, maintenance)
    })
}

fn certificate(
    at: &At<'_>,
    name: String,
    raw: &raw::Certificate,
    maintenance: &Maintenance,
) -> Certificate {
    let not_before = at.text("not-before", raw.not_before.as_deref(), |text| {
        day(text, false)
    });
    let not_after = at.text("not-after", raw.not_after.as_deref(), |text| {
        day(text, true)
    });
    if let (Some(start), Some(end)) = (not_before, not_after)
        && start > end
    {
        let shown = raw.not_after.clone().unwrap_or_default();
        let fault = Wrong {
            what: "before its first day".to_owned(),
            expected: "the last day, after `not-before`".to_owned(),
        };
        at.key("not-after")
            .refuse_value(format!("{shown:?}"), fault);
    }
    let files = at.list("files", raw.files.as_deref(), pattern);
    let probe = at.list("probe", raw.probe.as_deref(), |text| {
        values::host_port(text, Some(443))
    });
    let nowhere = [raw.files.as_deref(), raw.probe.as_deref()]
        .into_iter()
        .all(|list| list.is_none_or(<[String]>::is_empty));
    if nowhere && raw.not_after.is_none() {
        at.refuse(
            "nothing says where it is found or when it ends",
            "`files`, `probe` or `not-after`",
        );
    }
    if raw.server_name.is_some() && raw.probe.is_none() {
        at.key("server-name")
            .refuse("nobody is asked for it", "`probe`, or no such key");
    }
    let region = raw.region.clone().filter(|region| {
        let known = maintenance.regions.contains_key(region);
        if !known {
            let all: Vec<&str> = maintenance.regions.keys().map(String::as_str).collect();
            let fault = Wrong {
                what: "not a region".to_owned(),
                expected: all.join(", "),
            };
            at.key("region").refuse_value(format!("{region:?}"), fault);
        }
        known
    });
    let text = |key: &str, written: &Option<String>| at.text(key, written.as_deref(), note);
    Certificate {
        name,
        role: raw.role.unwrap_or(CertificateRole::Server),
        managed: raw.managed.unwrap_or(false),
        public: raw.public.unwrap_or(false),
        files,
        password: at.secret("password", raw.password.as_ref()),
        probe,
        server_name: at.text("server-name", raw.server_name.as_deref(), values::host_name),
        hosts: at.list("hosts", raw.hosts.as_deref(), values::host_pattern),
        not_before,
        not_after,
        owner: text("owner", &raw.owner),
        notes: text("notes", &raw.notes),
        runbook_url: text("runbook-url", &raw.runbook_url),
        region,
        bands: bands(at, "bands", raw.bands.as_deref()),
    }
}

/// An absolute path whose last part may be a pattern.
fn pattern(text: &str) -> Result<PathBuf, Wrong> {
    let path = values::path(text)?;
    let (directory, _) = text.rsplit_once('/').unwrap_or_default();
    if directory.contains(['*', '?']) {
        wrong(
            "a pattern in the name of a directory",
            "* and ? only after the last `/`",
        )
    } else {
        Ok(path)
    }
}

fn note(text: &str) -> Result<String, Wrong> {
    let fits = text.chars().count() <= NOTE_LENGTH && !text.chars().any(char::is_control);
    if fits && !text.trim().is_empty() {
        Ok(text.to_owned())
    } else {
        wrong(
            "not one line of text",
            format!("at most {NOTE_LENGTH} characters on one line"),
        )
    }
}

/// The first or the last second of a day in UTC.
fn day(text: &str, last: bool) -> Result<SystemTime, Wrong> {
    const SECONDS: i64 = 86_400;
    let parsed = maintenance::calendar_date(text).and_then(|day| {
        let midnight = day.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
        let seconds = midnight.timestamp().as_second();
        date::from_unix(if last { seconds + SECONDS - 1 } else { seconds })
    });
    parsed.map_or_else(|| wrong("not a day", DATE_FORM), Ok)
}

/// When renewals may be made.
fn maintenance(at: &At<'_>, raw: Option<&raw::Maintenance>) -> Maintenance {
    let silent = raw::Maintenance::default();
    let raw = raw.unwrap_or(&silent);
    let regions = regions(at, raw.region.as_deref());
    let least = at.count("managed-least-days", raw.managed_least_days, &LEAST_DAYS);
    let most = at.count("managed-most-days", raw.managed_most_days, &MOST_DAYS);
    if least > most {
        let fault = Wrong {
            what: "more than the most".to_owned(),
            expected: format!("at most `managed-most-days`, {most}"),
        };
        at.key("managed-least-days")
            .refuse_value(least.to_string(), fault);
    }
    let default_region = at.text("default-region", raw.default_region.as_deref(), |text| {
        if regions.contains_key(text) {
            Ok(text.to_owned())
        } else {
            let all: Vec<&str> = regions.keys().map(String::as_str).collect();
            wrong("not a region", all.join(", "))
        }
    });
    let holiday = |text: &str| match maintenance::calendar_date(text) {
        Some(_) => Ok(text.to_owned()),
        None => wrong("not a day", DATE_FORM),
    };
    Maintenance {
        default_region: default_region.unwrap_or_else(|| "emea".to_owned()),
        notice_business_days: at.count("notice-business-days", raw.notice_business_days, &NOTICE),
        managed_least_days: least,
        managed_most_days: most,
        holidays: at.list("holidays", raw.holidays.as_deref(), holiday),
        regions,
    }
}

fn regions(
    at: &At<'_>,
    raw: Option<&[raw::MaintenanceRegion]>,
) -> BTreeMap<String, MaintenanceRegion> {
    let mut regions = BTreeMap::new();
    for (name, zone) in maintenance::BUILT_IN {
        let silent = raw::MaintenanceRegion::default();
        if let Some(built_in) = region(at, name, &silent, zone) {
            regions.insert(name.to_owned(), built_in);
        }
    }
    let name = |region: &raw::MaintenanceRegion| region.name.clone();
    let written = at.named("region", raw, name, |at, name, raw| {
        let mut built_in = maintenance::BUILT_IN.iter();
        let zone = built_in.find(|(known, _)| *known == name);
        if raw.zone.is_none() && zone.is_none() {
            at.key("zone").refuse("missing", ZONE_FORM);
        }
        let zone = zone.map_or("UTC", |(_, zone)| zone);
        region(at, &name, raw, zone).map(|region| (name, region))
    });
    regions.extend(written.into_iter().flatten());
    regions
}

const ZONE_FORM: &str = "a time zone such as \"Europe/Brussels\"";

fn region(
    at: &At<'_>,
    name: &str,
    raw: &raw::MaintenanceRegion,
    zone: &str,
) -> Option<MaintenanceRegion> {
    let or = |written: &Option<String>, default: &str| {
        written.clone().unwrap_or_else(|| default.to_owned())
    };
    let (zone, opens, closes) = (
        or(&raw.zone, zone),
        or(&raw.opens, maintenance::OPENS),
        or(&raw.closes, maintenance::CLOSES),
    );
    let days = raw
        .days
        .clone()
        .unwrap_or_else(|| WORKDAYS.map(str::to_owned).to_vec());
    match Region::parse(name, &zone, &opens, &closes, &days) {
        Ok(region) => Some(MaintenanceRegion {
            zone,
            opens,
            closes,
            days,
            region,
        }),
        Err(bad) => {
            let (key, shown, expected) = match bad {
                BadRegion::Zone => ("zone", zone, ZONE_FORM.to_owned()),
                BadRegion::Time => (
                    "opens",
                    format!("{opens} to {closes}"),
                    "times such as \"21:00\" for `opens` and `closes`".to_owned(),
                ),
                BadRegion::Day => ("days", days.join(", "), maintenance::WEEKDAYS.join(", ")),
            };
            let fault = Wrong {
                what: bad.to_string(),
                expected,
            };
            at.key(key).refuse_value(format!("{shown:?}"), fault);
            None
        }
    }
}
