//! The questions of the plug-ins, answered from the daemon's own metrics.

mod ends;

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::SystemTime;

use crate::domain::alarms::Severity;
use crate::domain::certs::date;
use crate::domain::check::range::Range;
use crate::domain::check::samples::Samples;
use crate::domain::check::verdict::Report;
use crate::domain::check::verdict::State;

pub use ends::CertLimits;
pub use ends::certificates;

/// Seconds since 1970 as a date.
fn date_of(unix: f64) -> String {
    // Beyond the year 9999 no date has a form; the bound also keeps the conversion exact.
    let seconds = unix.clamp(0.0, 253_402_300_799.0);
    date::text(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds.trunc()))
}

/// When the queue of provisioning is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueLimits {
    /// Users that wait for a person.
    pub attention: (Range, Range),
    /// Age of the oldest user that waits for xspd or Webex.
    pub age: (Duration, Duration),
}

/// States in which nobody waits any more.
const ENDED: [&str; 6] = [
    "provisioned",
    "no-change",
    "removed",
    "person-deleted",
    "cancelled",
    "superseded",
];

/// States in which it is on us or on Webex to go on.
const OURS: [&str; 7] = [
    "queued",
    "waiting-first-user",
    "prechecking",
    "submitting",
    "waiting-webex",
    "removing",
    "deleting-person",
];

/// Whether provisioning gets on.
#[must_use]
pub fn queue(samples: &Samples, limits: QueueLimits, now: f64) -> Report {
    let mut report = Report::default();
    let mut states: BTreeMap<&str, f64> = BTreeMap::new();
    for sample in samples.of("xspd_provisioning_jobs") {
        *states.entry(sample.label("state")).or_default() += sample.value;
    }
    if states.is_empty() {
        return Report::only(
            State::Unknown,
            "the daemon provisions nobody; is [provisioning] configured?",
        );
    }
    if samples
        .of("xspd_provisioning_store_failing")
        .any(|s| s.value > 0.5)
    {
        report.find(State::Critical, "nothing can be written; look at the disk");
    }
    for partner in samples.of("xspd_provisioning_partner_refused") {
        if partner.value > 0.5 {
            let name = partner.label("partner");
            report.find(
                State::Critical,
                format!("Webex refuses partner account {name}"),
            );
        }
    }
    let waiting = states.get("attention").copied().unwrap_or(0.0);
    let (warning, critical) = limits.attention;
    let text = format!("{waiting} users wait for a person: xspd provision attention");
    if critical.alerts(waiting) {
        report.find(State::Critical, text);
    } else if warning.alerts(waiting) {
        report.find(State::Warning, text);
    }
    for oldest in samples.of("xspd_provisioning_oldest_job_timestamp_seconds") {
        let state = oldest.label("state");
        if oldest.value <= 0.0 || !OURS.contains(&state) {
            continue;
        }
        let age = now - oldest.value;
        let since = date_of(oldest.value);
        let text = format!("a user is {state} since {since}: xspd provision list --state {state}");
        if age > limits.age.1.as_secs_f64() {
            report.find(State::Critical, text);
        } else if age > limits.age.0.as_secs_f64() {
            report.find(State::Warning, text);
        }
    }
    let open: f64 = states
        .iter()
        .filter(|(state, _)| !ENDED.contains(state))
        .map(|(_, count)| count)
        .sum();
    report.measure("open", open, "", ";;0;");
    report.measure(
        "attention",
        waiting,
        "",
        &format!("{warning};{critical};0;"),
    );
    if report.state() == State::Unknown {
        report.find(
            State::Ok,
            format!("{open} users are under way, none waits for a person"),
        );
    }
    report
}

/// Whether the XSPs and the Application Server behind us answer.
#[must_use]
pub fn farm(samples: &Samples) -> Report {
    let mut report = Report::default();
    let mut pools: BTreeMap<&str, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for sample in samples.of("xspd_upstream_up") {
        let (up, down) = pools.entry(sample.label("pool")).or_default();
        let side = if sample.value > 0.5 { up } else { down };
        side.push(sample.label("upstream"));
    }
    if pools.is_empty() {
        return Report::only(State::Unknown, "the daemon knows no XSP");
    }
    for (pool, (up, down)) in &pools {
        let all = up.len() + down.len();
        let label = format!("{pool} up");
        #[expect(clippy::cast_precision_loss, reason = "a pool has few members")]
        let (count, all_of_them) = (up.len() as f64, all as f64);
        report.measure(&label, count, "", &format!(";;0;{all_of_them}"));
        if up.is_empty() {
            let text = format!("no XSP of pool {pool} answers: {}", down.join(", "));
            report.find(State::Critical, text);
        } else if down.is_empty() {
            report.find(State::Ok, format!("all {all} XSPs of pool {pool} answer"));
        } else {
            let text = format!("of pool {pool} these are out: {}", down.join(", "));
            report.find(State::Warning, text);
        }
    }
    // Without an Application Server in the configuration it says 1.
    if samples.of("xspd_ocip_up").any(|s| s.value < 0.5) {
        report.find(State::Critical, "the Application Server does not answer");
    }
    report
}

/// Whether events get through: CTI sessions, channels of our own, reports of Application Servers.
#[must_use]
pub fn events(samples: &Samples) -> Report {
    let mut report = Report::default();
    let total = |name| samples.of(name).map(|s| s.value).sum::<f64>();
    let streams = total("xspd_event_streams_open");
    report.measure("streams", streams, "", ";;0;");
    let last = "xspd_cti_last_session_timestamp_seconds";
    for cti in samples.of("xspd_cti_session_present") {
        let listener = cti.label("listener");
        let had = samples
            .of(last)
            .any(|s| s.label("listener") == listener && s.value > 0.0);
        if cti.value > 0.5 {
            continue;
        }
        let text = format!("no CTI session of Webex on listener {listener}");
        if had {
            report.find(State::Critical, text);
        } else {
            // Before a restart there may have been one: the daemon does not know.
            let text = format!("{text} since the daemon started");
            report.find(State::Warning, text);
        }
    }
    let channels: Vec<_> = samples.of("xspd_blf_channel_up").collect();
    let down: Vec<_> = channels.iter().filter(|c| c.value < 0.5).collect();
    if !down.is_empty() {
        let names: Vec<_> = down.iter().map(|c| c.label("upstream")).collect();
        let state = if down.len() == channels.len() {
            State::Critical
        } else {
            State::Warning
        };
        report.find(
            state,
            format!("our event channel is down at {}", names.join(", ")),
        );
    }
    for alarm in samples.of("xspd_blf_alarm").filter(|a| a.value > 0.5) {
        let text = format!("busy lamps: {}", alarm.label("reason"));
        report.find(State::Warning, text);
    }
    for server in samples.of("xspd_ocir_connected").filter(|s| s.value < 0.5) {
        let text = format!("Application Server {} reports nothing", server.label("as"));
        report.find(State::Warning, text);
    }
    if report.state() == State::Unknown {
        report.find(
            State::Ok,
            format!("{streams} event streams are open, no channel is down"),
        );
    }
    report
}

/// Whether alarms stand.
#[must_use]
pub fn alarms(samples: &Samples) -> Report {
    let mut report = Report::default();
    let mut standing: BTreeMap<Severity, f64> = BTreeMap::new();
    for sample in samples.of("xspd_alarms") {
        if let Some(severity) = Severity::from_word(sample.label("severity")) {
            *standing.entry(severity).or_default() += sample.value;
        }
    }
    if standing.is_empty() {
        return Report::only(State::Unknown, "the daemon publishes no alarms");
    }
    for (severity, count) in &standing {
        report.measure(severity.word(), *count, "", ";;0;");
    }
    // The worst first: of equal states the first one leads the line.
    for (severity, count) in standing.iter().rev() {
        let state = match severity.nagios() {
            _ if *count < 0.5 => continue,
            0 => State::Ok,
            1 => State::Warning,
            _ => State::Critical,
        };
        report.find(state, format!("{count} {severity}: xspd alarms list"));
    }
    if report.state() == State::Unknown {
        report.find(State::Ok, "no alarm stands");
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(lines: &str) -> Samples {
        Samples::read(&format!("{lines}\n# EOF\n")).unwrap()
    }

    fn of_queue(lines: &str) -> Report {
        let limits = QueueLimits {
            attention: ("0".parse().unwrap(), "50".parse().unwrap()),
            age: (Duration::from_secs(100), Duration::from_secs(1000)),
        };
        queue(&samples(lines), limits, 10_000.0)
    }

    #[test]
    fn the_queue_is_judged_by_persons_waiting_age_store_and_partner() {
        let oldest = "xspd_provisioning_oldest_job_timestamp_seconds";
        let jobs = "xspd_provisioning_jobs{state=\"queued\"} 3\n\
                    xspd_provisioning_jobs{state=\"provisioned\"} 90\n";
        assert_eq!(of_queue("a 1").state(), State::Unknown);
        assert_eq!(
            of_queue(jobs).text("QUEUE"),
            "QUEUE OK - 3 users are under way, none waits for a person | \
             'open'=3;;;0 'attention'=0;0;50;0"
        );
        for (more, state) in [
            (
                "xspd_provisioning_jobs{state=\"attention\"} 2".to_owned(),
                State::Warning,
            ),
            (
                "xspd_provisioning_jobs{state=\"attention\"} 51".to_owned(),
                State::Critical,
            ),
            (format!("{oldest}{{state=\"queued\"}} 9950"), State::Ok),
            (format!("{oldest}{{state=\"queued\"}} 9850"), State::Warning),
            (format!("{oldest}{{state=\"queued\"}} 100"), State::Critical),
            (format!("{oldest}{{state=\"queued\"}} 0"), State::Ok),
            // A user who has a mail to answer is not ours to hurry.
            (
                format!("{oldest}{{state=\"waiting-consent\"}} 100"),
                State::Ok,
            ),
            (
                "xspd_provisioning_store_failing 1".to_owned(),
                State::Critical,
            ),
            (
                "xspd_provisioning_partner_refused{partner=\"p\"} 1".to_owned(),
                State::Critical,
            ),
        ] {
            assert_eq!(of_queue(&format!("{jobs}{more}")).state(), state, "{more}");
        }
    }

    #[test]
    fn a_farm_with_one_xsp_left_warns_and_with_none_is_critical() {
        let of = |lines: &str| farm(&samples(lines));
        let up = |name: &str, value: u8| {
            format!("xspd_upstream_up{{pool=\"main\",upstream=\"{name}\"}} {value}\n")
        };
        assert_eq!(of("a 1").state(), State::Unknown);
        assert_eq!(of(&(up("a", 1) + &up("b", 1))).state(), State::Ok);
        let one = of(&(up("a", 1) + &up("b", 0)));
        assert_eq!(one.state(), State::Warning);
        assert!(one.text("FARM").contains("out: b"));
        assert_eq!(of(&(up("a", 0) + &up("b", 0))).state(), State::Critical);
        let server = |answers: u8| format!("{}xspd_ocip_up {answers}\n", up("a", 1));
        assert_eq!(of(&server(1)).state(), State::Ok);
        assert_eq!(of(&server(0)).state(), State::Critical);
    }

    #[test]
    fn events_are_judged_by_sessions_channels_and_reports() {
        let of = |lines: &str| events(&samples(lines)).state();
        let gone = "xspd_cti_session_present{listener=\"cti\"} 0\n";
        let had = "xspd_cti_last_session_timestamp_seconds{listener=\"cti\"} 5\n";
        let never = "xspd_cti_last_session_timestamp_seconds{listener=\"cti\"} 0\n";
        assert_eq!(of("xspd_event_streams_open{upstream=\"a\"} 7"), State::Ok);
        assert_eq!(of(&format!("{gone}{had}")), State::Critical);
        // A session that a restart interrupted and that never came back looks the same.
        assert_eq!(of(&format!("{gone}{never}")), State::Warning);
        assert_eq!(of(gone), State::Warning);
        let there = "xspd_cti_session_present{listener=\"cti\"} 1\n";
        assert_eq!(of(&format!("{there}{had}")), State::Ok);
        let a = "xspd_blf_channel_up{upstream=\"a\"} 0\n";
        let b = "xspd_blf_channel_up{upstream=\"b\"} 1\n";
        assert_eq!(of(&format!("{a}{b}")), State::Warning);
        assert_eq!(of(a), State::Critical);
        assert_eq!(of("xspd_blf_alarm{reason=\"x\"} 1"), State::Warning);
        assert_eq!(of("xspd_ocir_connected{as=\"x\"} 0"), State::Warning);
    }

    #[test]
    fn alarms_are_judged_by_the_worst_that_stands() {
        let of = |lines: &str| alarms(&samples(lines)).state();
        assert_eq!(of("a 1"), State::Unknown);
        assert_eq!(of("xspd_alarms{severity=\"critical\"} 0"), State::Ok);
        assert_eq!(of("xspd_alarms{severity=\"informational\"} 3"), State::Ok);
        assert_eq!(of("xspd_alarms{severity=\"medium\"} 3"), State::Warning);
        let both = "xspd_alarms{severity=\"low\"} 3\nxspd_alarms{severity=\"high\"} 1";
        assert_eq!(of(both), State::Critical);
        // Both are critical for a monitoring system, and the worse one leads the line.
        let both = "xspd_alarms{severity=\"high\"} 2\nxspd_alarms{severity=\"critical\"} 1";
        let text = alarms(&samples(both)).text("ALARMS");
        assert!(text.starts_with("ALARMS CRITICAL - 1 critical: "), "{text}");
        assert!(text.contains("\nCRITICAL: 2 high"), "{text}");
    }
}
