//! Whether what is watched lasts long enough.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::check::lifetime::LifetimeLimit;
use crate::domain::check::questions::date_of;
use crate::domain::check::samples::Sample;
use crate::domain::check::samples::Samples;
use crate::domain::check::verdict::Report;
use crate::domain::check::verdict::State;

/// When a certificate is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertLimits {
    /// A warning; `None`: 25 % of the lifetime, never more than 30 days; of a trust anchor 90 days.
    pub warning: Option<LifetimeLimit>,
    /// Critical; `None`: 10 % of the lifetime, never more than 7 days; of a trust anchor 30 days.
    pub critical: Option<LifetimeLimit>,
}

const DAY: f64 = 86_400.0;

impl CertLimits {
    /// Seconds before the end of a warning, and of a critical one. A share of an unknown lifetime is
    /// nothing: then the days alone count.
    fn seconds(self, lifetime: Option<f64>, is_anchor: bool) -> (f64, f64) {
        let of = |limit: Option<LifetimeLimit>, share: u8, most: f64, anchor: f64| {
            let most = if is_anchor { anchor } else { most } * DAY;
            match (limit, lifetime) {
                (Some(LifetimeLimit::Left(left)), _) => left.as_secs_f64(),
                (Some(share @ LifetimeLimit::Share(_)), Some(lifetime)) => share.seconds(lifetime),
                (None, Some(lifetime)) if !is_anchor => {
                    LifetimeLimit::Share(share).seconds(lifetime).min(most)
                }
                (None | Some(LifetimeLimit::Share(_)), _) => most,
            }
        };
        (
            of(self.warning, 25, 30.0, 90.0),
            of(self.critical, 10, 7.0, 30.0),
        )
    }
}

/// One thing that ends.
struct Ending<'a> {
    called: String,
    sample: &'a Sample,
    begin: Option<f64>,
}

impl Ending<'_> {
    fn has(&self, name: &str) -> bool {
        const NAMES: [&str; 6] = [
            "object",
            "subject_CN",
            "serial_number",
            "listener",
            "filename",
            "filepath",
        ];
        self.called.contains(name)
            || NAMES
                .iter()
                .any(|label| self.sample.label(label).contains(name))
    }

    fn lifetime(&self) -> Option<f64> {
        Some((self.sample.value - self.begin?).max(0.0))
    }

    /// How it stands now. An old key works: it should not become much older.
    fn state(&self, (warning, critical): (f64, f64), now: f64) -> State {
        let left = self.sample.value - now;
        if self.sample.label("role") == "key" {
            return if left <= 0.0 {
                State::Warning
            } else {
                State::Ok
            };
        }
        if left <= 0.0 || left < critical {
            State::Critical
        } else if left < warning {
            State::Warning
        } else {
            State::Ok
        }
    }
}

/// What a certificate is called: its subject, and the object that it belongs to.
fn called(sample: &Sample) -> String {
    let subject = match sample.label("subject_CN") {
        "" => sample.label("serial_number"),
        name => name,
    };
    let places = ["object", "listener", "filename", "filepath"];
    let place = places.into_iter().map(|label| sample.label(label));
    match place.into_iter().find(|place| !place.is_empty()) {
        Some(place) => format!("{subject} ({place})"),
        None => subject.to_owned(),
    }
}

/// The certificates of chains, and whether their end takes anything away.
fn of_chains(samples: &Samples) -> impl Iterator<Item = (Ending<'_>, bool)> {
    let begins: BTreeMap<&[(String, String)], f64> = samples
        .of("x509_cert_not_before")
        .map(|sample| (sample.labels.as_slice(), sample.value))
        .collect();
    samples.of("x509_cert_not_after").map(move |sample| {
        let ending = Ending {
            called: called(sample),
            sample,
            begin: begins.get(sample.labels.as_slice()).copied(),
        };
        (ending, sample.label("counts") != "false")
    })
}

/// What no chain was seen of: certificates that were declared, or seen by a prober outside; tokens
/// and keys. Revocation lists are replaced all the time and have series of their own.
fn of_dates(samples: &Samples) -> impl Iterator<Item = Ending<'_>> {
    let begins: BTreeMap<&str, f64> = samples
        .of("xspd_cert_start_timestamp_seconds")
        .map(|sample| (sample.label("object"), sample.value))
        .collect();
    samples
        .of("xspd_cert_end_timestamp_seconds")
        .filter(|sample| sample.label("chain") == "false" && sample.label("role") != "crl")
        .map(move |sample| Ending {
            called: sample.label("object").to_owned(),
            sample,
            begin: begins.get(sample.label("object")).copied(),
        })
}

/// A name that no other value has.
fn unique(used: &mut BTreeSet<String>, ending: &Ending<'_>) -> String {
    let serial = ending.sample.label("serial_number");
    let longer = format!("{} {serial}", ending.called);
    let numbered = (2..).map(|nth| format!("{longer} #{nth}"));
    let names = [ending.called.clone(), longer.clone()].into_iter();
    let free = names.chain(numbered).find(|name| !used.contains(name));
    let name = free.unwrap_or_default();
    used.insert(name.clone());
    name
}

/// Whether everything whose name holds `name` lasts long enough.
#[must_use]
pub fn certificates(samples: &Samples, name: &str, limits: CertLimits, now: f64) -> Report {
    let mut report = Report::default();
    let mut first: Option<(f64, String)> = None;
    let (mut known, mut beside) = (0_usize, 0_usize);
    let mut used = BTreeSet::new();
    let chains = of_chains(samples);
    let all = chains.chain(of_dates(samples).map(|ending| (ending, true)));
    for (ending, counts) in all.filter(|(ending, _)| ending.has(name)) {
        if !counts {
            beside += 1;
            continue;
        }
        known += 1;
        let lifetime = ending.lifetime();
        let is_anchor = ending.sample.label("role") == "trust_anchor";
        let (warning, critical) = limits.seconds(lifetime, is_anchor);
        let (called, end) = (&ending.called, ending.sample.value);
        let left = end - now;
        match ending.state((warning, critical), now) {
            State::Ok | State::Unknown => {}
            state @ (State::Warning | State::Critical) => {
                let word = if left <= 0.0 { "ended" } else { "ends" };
                report.find(state, format!("{called} {word} {}", date_of(end)));
            }
        }
        let most = lifetime.map_or_else(String::new, |lifetime| format!("{lifetime:.0}"));
        report.measure(
            &unique(&mut used, &ending),
            left.trunc(),
            "s",
            &format!("{warning:.0}:;{critical:.0}:;0;{most}"),
        );
        if first.as_ref().is_none_or(|(earliest, _)| end < *earliest) {
            first = Some((end, ending.called));
        }
    }
    unseen(samples, name, &mut report);
    lost(samples, name, &mut report);
    let text = match first {
        _ if report.state() != State::Unknown => return report,
        Some((end, called)) => format!(
            "{known} certificates; first ends {called}, {}",
            date_of(end)
        ),
        None if beside > 0 => format!("{beside} certificates, whose end takes nothing away"),
        None => {
            let none = "the daemon watches no certificate";
            let text = match name {
                "" => none.to_owned(),
                name => format!("{none} with {name:?} in its name"),
            };
            report.find(State::Unknown, text);
            return report;
        }
    };
    report.find(State::Ok, text);
    report
}

/// What nobody has seen since the start of the daemon.
fn unseen(samples: &Samples, name: &str, report: &mut Report) {
    for thing in samples.of("xspd_cert_unseen").filter(|s| s.value > 0.5) {
        let object = thing.label("object");
        if object.contains(name) {
            let reason = thing.label("reason");
            report.find(State::Warning, format!("{object} not seen yet: {reason}"));
        }
    }
}

/// Places that are lost, of what was seen before.
fn lost(samples: &Samples, name: &str, report: &mut Report) {
    let unseen: BTreeSet<&str> = samples
        .of("xspd_cert_unseen")
        .map(|thing| thing.label("object"))
        .collect();
    let lost = samples.of("xspd_cert_source_up").filter(|s| s.value < 0.5);
    for source in lost.filter(|source| !unseen.contains(source.label("object"))) {
        let named: Vec<_> = source.labels.iter().map(|(_, v)| v.as_str()).collect();
        if named.iter().any(|held| held.contains(name)) {
            let text = format!("{} can no longer be read", named.join(" "));
            report.find(State::Warning, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CertLimits = CertLimits {
        warning: None,
        critical: None,
    };

    fn samples(lines: &str) -> Samples {
        Samples::read(&format!("{lines}\n# EOF\n")).unwrap()
    }

    fn cert(name: &str, role: &str, begin_days: i64, end_days: i64) -> String {
        let labels = format!("{{subject_CN=\"{name}\",role=\"{role}\",listener=\"edge\"}}");
        format!(
            "x509_cert_not_after{labels} {}\nx509_cert_not_before{labels} {}",
            end_days * 86_400,
            begin_days * 86_400
        )
    }

    fn judged(line: &str, now_days: f64) -> Report {
        certificates(&samples(line), "", LIMITS, now_days * DAY)
    }

    #[test]
    fn a_years_certificate_warns_at_thirty_days_and_one_of_six_days_at_a_quarter() {
        let year = cert("y", "server", 600, 965);
        for (now, state) in [
            (930.0, State::Ok),
            (936.0, State::Warning),
            (957.0, State::Warning),
            (959.0, State::Critical),
            (966.0, State::Critical),
        ] {
            assert_eq!(judged(&year, now).state(), state, "{now}");
        }
        let short = cert("s", "server", 960, 966);
        for (now, state) in [
            (964.0, State::Ok),
            (964.6, State::Warning),
            (965.5, State::Critical),
        ] {
            assert_eq!(judged(&short, now).state(), state, "{now}");
        }
    }

    #[test]
    fn an_anchor_of_ten_years_is_told_ninety_days_ahead_and_limits_can_be_given() {
        let anchor = cert("root", "trust_anchor", 0, 3650);
        assert_eq!(judged(&anchor, 3000.0).state(), State::Ok);
        assert_eq!(judged(&anchor, 3561.0).state(), State::Warning);
        assert_eq!(judged(&anchor, 3630.0).state(), State::Critical);
        let limits = CertLimits {
            warning: Some("25%".parse().unwrap()),
            critical: None,
        };
        let report = certificates(&samples(&anchor), "root", limits, 3000.0 * DAY);
        assert_eq!(report.state(), State::Warning);
        assert_eq!(
            report.text("CERT").lines().next().unwrap(),
            "CERT WARNING - root (edge) ends 1979-12-30 00:00:00 UTC | \
             'root (edge)'=56160000s;78840000:;2592000:;0;315360000"
        );
    }

    #[test]
    fn nothing_watched_is_unknown_and_a_lost_source_is_told() {
        assert_eq!(judged("a 1", 1.0).state(), State::Unknown);
        let none = certificates(&samples(&cert("a", "server", 0, 9)), "zz", LIMITS, 0.0);
        assert!(none.text("CERT").contains("\"zz\""), "{none:?}");
        let lost = cert("a", "server", 0, 900) + "\nxspd_cert_source_up{source=\"x.pem\"} 0";
        let report = judged(&lost, 1.0);
        assert_eq!(report.state(), State::Warning);
        assert!(report.text("CERT").contains("x.pem can no longer be read"));
    }

    #[test]
    fn what_nobody_has_seen_yet_is_said_to_be_so_and_is_not_well() {
        let unseen = "\nxspd_cert_unseen{object=\"farm\",role=\"server\",reason=\"directory\"} 1\n\
             xspd_cert_source_up{object=\"farm\",kind=\"file\",source=\"/x\"} 0";
        let well = cert("a", "server", 0, 900) + unseen;
        for (name, state) in [("farm", State::Warning), ("edge", State::Ok)] {
            let report = certificates(&samples(&well), name, LIMITS, DAY);
            assert_eq!(report.state(), state, "{name}");
        }
        let report = certificates(&samples(&well), "farm", LIMITS, DAY);
        let text = report.text("CERT");
        assert_eq!(text, "CERT WARNING - farm not seen yet: directory");
        assert_eq!(judged(&well, 1.0).state(), State::Warning);
    }

    #[test]
    fn what_was_only_declared_or_seen_outside_is_judged_by_its_dates() {
        let end = |object: &str, role: &str, days: i64| {
            let labels = format!("{{object=\"{object}\",role=\"{role}\",chain=\"false\"}}");
            format!(
                "\nxspd_cert_end_timestamp_seconds{labels} {}",
                days * 86_400
            )
        };
        let well = cert("a", "server", 0, 900);
        let of = |more: &str| judged(&format!("{well}{more}"), 100.0);
        assert_eq!(of(&end("cucm", "server", 131)).state(), State::Ok);
        assert_eq!(of(&end("cucm", "server", 129)).state(), State::Warning);
        let over = of(&end("cucm", "server", 99));
        assert_eq!(over.state(), State::Critical);
        let text = over.text("CERT");
        assert!(
            text.starts_with("CERT CRITICAL - cucm ended 1970-"),
            "{text}"
        );
        // With a start its share counts, and a share of what nobody knows is the days.
        let start = "\nxspd_cert_start_timestamp_seconds{object=\"cucm\"} 7776000";
        let short = end("cucm", "server", 120) + start;
        assert_eq!(of(&short).state(), State::Ok);
        let limits = CertLimits {
            warning: Some("25%".parse().unwrap()),
            critical: None,
        };
        let soon = samples(&end("cucm", "server", 120));
        let report = certificates(&soon, "cuc", limits, 100.0 * DAY);
        assert_eq!(report.state(), State::Warning);
        // An old key works, a stale list is told by others, and what has a chain is there already.
        assert_eq!(of(&end("key", "key", 99)).state(), State::Warning);
        assert_eq!(of(&end("key", "key", 101)).state(), State::Ok);
        assert_eq!(of(&end("list", "crl", 99)).state(), State::Ok);
        let chain = end("b", "server", 99).replace("chain=\"false\"", "chain=\"true\"");
        assert_eq!(of(&chain).state(), State::Ok);
    }

    #[test]
    fn what_takes_nothing_away_is_left_aside() {
        let stray = cert("old", "trust_anchor", 0, 9)
            .replace("role=", "object=\"anchor x\",counts=\"false\",role=");
        let well = cert("a", "server", 0, 900);
        let both = format!("{stray}\n{well}");
        let report = judged(&both, 100.0);
        assert_eq!(report.state(), State::Ok);
        assert_eq!(report.perfdata().len(), 1, "{report:?}");
        let report = certificates(&samples(&both), "anchor x", LIMITS, 100.0 * DAY);
        assert_eq!(report.state(), State::Ok, "a check of it stays well");
    }

    #[test]
    fn objects_are_names_and_no_two_values_have_one() {
        let one = |object: &str, serial: &str| {
            format!(
                "x509_cert_not_after{{subject_CN=\"a\",serial_number=\"{serial}\",\
                 object=\"{object}\",listener=\"edge\"}} 86400\n"
            )
        };
        let text = [one("x", "1"), one("y", "1"), one("y", "2")].concat();
        let report = certificates(&samples(&text), "", LIMITS, 0.0);
        let labels: Vec<_> = report
            .perfdata()
            .iter()
            .map(|value| value.split('=').next().unwrap())
            .collect();
        assert_eq!(labels, ["'a (x)'", "'a (y)'", "'a (y) 2'"]);
        let named = |name| certificates(&samples(&text), name, LIMITS, 0.0);
        assert_eq!(named("y").perfdata().len(), 2);
        assert_eq!(named("edge").perfdata().len(), 3);
    }

    #[test]
    fn a_lost_source_is_told_under_the_name_of_its_object() {
        let lost = cert("a", "server", 0, 900)
            + "\nxspd_cert_source_up{object=\"b\",kind=\"file\",source=\"x.pem\"} 0";
        let of = |name| certificates(&samples(&lost), name, LIMITS, 0.0).state();
        assert_eq!(of("b"), State::Warning);
        assert_eq!(of("edge"), State::Ok);
    }
}
