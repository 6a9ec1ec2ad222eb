//! Clients with a certificate that are refused at the handshake: when that is worth an alarm.
//!
//! Everybody on the Internet can be refused, and scanners are, every day. What counts is a client
//! certificate that was shown and not taken, again and again over minutes, as from a client that
//! means us and comes back; one burst is none. Kept per listener and reason, which are few, and
//! never per address.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::observation::Condition;
use crate::domain::alarms::observation::Observation;
use crate::domain::alarms::observation::Present;
use crate::domain::alarms::severity::Severity;
use crate::domain::auth::handshake::HandshakeReason;

/// One bucket.
const MINUTE: Duration = Duration::from_secs(60);

/// Buckets that are looked back on: a client of Webex that is refused is back within a few minutes.
const MINUTES: usize = 10;

/// In so many of them somebody must have been refused: a scanner is through sooner.
const SPREAD: usize = 4;

/// What was counted of a listener since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Its name.
    pub listener: Arc<str>,
    /// Handshakes that were done.
    pub let_in: u64,
    /// Handshakes that came to nothing.
    pub refused: Vec<(HandshakeReason, u64)>,
}

/// What was counted in the last minutes.
#[derive(Debug, Default)]
pub struct Refusals {
    held: BTreeMap<(Arc<str>, Option<HandshakeReason>), Series>,
}

/// A counter, looked back on.
#[derive(Debug)]
struct Series {
    last: u64,
    /// Since when the newest bucket is filled.
    begun: Instant,
    /// The newest last.
    buckets: VecDeque<u64>,
    on: bool,
}

impl Series {
    fn new(total: u64, now: Instant) -> Self {
        Self {
            last: total,
            begun: now,
            buckets: VecDeque::from([0]),
            on: false,
        }
    }

    fn count(&mut self, total: u64, now: Instant) {
        let passed = now.saturating_duration_since(self.begun);
        let minutes = passed.as_secs() / MINUTE.as_secs();
        let fresh = usize::try_from(minutes).unwrap_or(MINUTES).min(MINUTES);
        for _ in 0..fresh {
            self.buckets.push_back(0);
        }
        while self.buckets.len() > MINUTES {
            self.buckets.pop_front();
        }
        self.begun += MINUTE.saturating_mul(u32::try_from(minutes).unwrap_or(u32::MAX));
        // A counter only grows; a smaller one is another's.
        let more = total.saturating_sub(self.last);
        self.last = total;
        if let Some(newest) = self.buckets.back_mut() {
            *newest = newest.saturating_add(more);
        }
    }

    fn sum(&self) -> u64 {
        let buckets = self.buckets.iter();
        buckets.fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn judge(&mut self, bound: u32) -> bool {
        let (sum, bound) = (self.sum(), u64::from(bound));
        let minutes = self.buckets.iter().filter(|count| **count > 0).count();
        // Once told it stays until hardly anybody is refused any more.
        self.on = if self.on {
            sum > bound / 4
        } else {
            sum >= bound && minutes >= SPREAD
        };
        self.on
    }
}

impl Refusals {
    /// Takes in what is counted by now, and says how things stand. From `bound` refusals in ten
    /// minutes on it is an alarm.
    pub fn look(&mut self, all: &[Counted], bound: u32, now: Instant) -> Vec<Observation> {
        let mut seen = Vec::new();
        self.held
            .retain(|(listener, _), _| all.iter().any(|held| held.listener == *listener));
        for counted in all {
            let let_in = self.series(counted, None, counted.let_in, now).sum();
            for (reason, total) in &counted.refused {
                if !is_of_a_client(*reason) {
                    continue;
                }
                let series = self.series(counted, Some(*reason), *total, now);
                let wrong = series.judge(bound);
                let refused = series.sum();
                seen.push(observation(counted, *reason, wrong, (refused, let_in)));
            }
        }
        seen
    }

    fn series(
        &mut self,
        counted: &Counted,
        reason: Option<HandshakeReason>,
        total: u64,
        now: Instant,
    ) -> &mut Series {
        let key = (Arc::clone(&counted.listener), reason);
        let series = self
            .held
            .entry(key)
            .or_insert_with(|| Series::new(total, now));
        series.count(total, now);
        series
    }
}

fn observation(
    counted: &Counted,
    reason: HandshakeReason,
    wrong: bool,
    (refused, let_in): (u64, u64),
) -> Observation {
    let (listener, word) = (&counted.listener, reason.as_str());
    let present = || {
        // While others get in it is one client, or a stranger.
        let (severity, step, others) = if let_in == 0 {
            (
                Severity::High,
                "nobody let in",
                "nobody was let in".to_owned(),
            )
        } else {
            let others = format!("{let_in} handshakes succeeded");
            (Severity::Medium, "others let in", others)
        };
        Condition::Present(Present {
            severity,
            step: step.to_owned(),
            text: format!(
                "The listener {listener} refused {refused} clients with a certificate within {MINUTES} \
                 min ({word}), and {others}; the log names them (Client refused)."
            ),
            rule: "alarms.refused-clients".to_owned(),
            ends: None,
            details: vec![
                ("listener".to_owned(), listener.to_string()),
                ("reason".to_owned(), word.to_owned()),
            ],
        })
    };
    Observation {
        key: AlarmKey::new(
            AlarmName::MtlsClientRejected,
            &format!("listener {listener}: {word}"),
        ),
        condition: if wrong { present() } else { Condition::Absent },
    }
}

/// Whether a client showed a certificate and was refused for it. Who shows none is a browser or a
/// scanner; what breaks before that is anybody.
const fn is_of_a_client(reason: HandshakeReason) -> bool {
    match reason {
        HandshakeReason::AnchorExpired
        | HandshakeReason::CertificateBad
        | HandshakeReason::CertificateExpired
        | HandshakeReason::CertificateNameless
        | HandshakeReason::CertificateNotYetValid
        | HandshakeReason::CertificatePurposeAbsent
        | HandshakeReason::CertificatePurposeWrong
        | HandshakeReason::CertificateUnknownIssuer
        | HandshakeReason::IdentityUnlisted => true,
        HandshakeReason::AlertFromPeer
        | HandshakeReason::CertificateRequired
        | HandshakeReason::Closed
        | HandshakeReason::Garbage
        | HandshakeReason::NothingInCommon
        | HandshakeReason::PlainHttp
        | HandshakeReason::ProtocolViolation
        | HandshakeReason::Timeout
        | HandshakeReason::TlsTooOld
        | HandshakeReason::UnknownServerName => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: HandshakeReason = HandshakeReason::CertificateUnknownIssuer;
    const BOUND: u32 = 10;

    struct Scene {
        refusals: Refusals,
        start: Instant,
        let_in: u64,
        refused: u64,
    }

    impl Scene {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs one moment to count from"
        )]
        fn new() -> Self {
            let mut scene = Self {
                refusals: Refusals::default(),
                start: Instant::now(),
                let_in: 0,
                refused: 0,
            };
            assert_eq!(scene.at(0, STRANGER), None);
            scene
        }

        /// What is told of a reason at a second after the start.
        fn at(&mut self, second: u64, reason: HandshakeReason) -> Option<(Severity, String)> {
            let counted = Counted {
                listener: Arc::from("edge"),
                let_in: self.let_in,
                refused: vec![(reason, self.refused)],
            };
            let now = self.start + Duration::from_secs(second);
            let seen = self.refusals.look(&[counted], BOUND, now);
            let one = seen.into_iter().next()?;
            assert_eq!(
                one.key.object.as_str(),
                format!("listener edge: {}", reason.as_str())
            );
            match one.condition {
                Condition::Absent => None,
                Condition::Present(present) => Some((present.severity, present.text)),
            }
        }
    }

    #[test]
    fn a_client_that_comes_back_for_minutes_is_told_and_over_when_it_stays_away() {
        let mut scene = Scene::new();
        let mut told = Vec::new();
        for minute in 1..=6_u64 {
            scene.refused += 4;
            if scene.at(minute * 60, STRANGER).is_some() {
                told.push(minute);
            }
        }
        assert_eq!(told, [4, 5, 6]);
        let (severity, text) = scene.at(365, STRANGER).unwrap();
        assert_eq!(severity, Severity::High);
        assert!(
            text.contains("24 clients") && text.contains("nobody was let in"),
            "{text}"
        );
        // Others get in: it is not Webex as a whole.
        scene.let_in += 1;
        let (severity, _) = scene.at(370, STRANGER).unwrap();
        assert_eq!(severity, Severity::Medium);
        assert!(scene.at(12 * 60, STRANGER).is_some());
        assert_eq!(scene.at(16 * 60, STRANGER), None);
    }

    #[test]
    fn a_scanner_is_no_alarm_however_much_it_tries_in_a_minute() {
        let mut scene = Scene::new();
        scene.refused += 100_000;
        for second in (5..1_200).step_by(5) {
            assert_eq!(scene.at(second, STRANGER), None);
        }
        // One that tries once in a while is none either.
        for minute in 21..80 {
            scene.refused += minute % 2;
            assert_eq!(scene.at(minute * 60, STRANGER), None);
        }
    }

    #[test]
    fn who_shows_no_certificate_is_never_an_alarm() {
        for reason in HandshakeReason::ALL {
            if is_of_a_client(reason) {
                continue;
            }
            let mut scene = Scene::new();
            for minute in 1..30 {
                scene.refused += 1_000;
                assert_eq!(scene.at(minute * 60, reason), None, "{reason:?}");
            }
        }
    }

    #[test]
    fn what_was_counted_before_the_first_look_and_for_a_listener_that_is_gone_is_forgotten() {
        let mut scene = Scene::new();
        for minute in 1..=6 {
            scene.refused += 9;
            scene.at(minute * 60, STRANGER);
        }
        let now = scene.start + Duration::from_secs(361);
        assert_eq!(scene.refusals.look(&[], BOUND, now), []);
        assert_eq!(scene.at(362, STRANGER), None);
    }

    #[test]
    fn a_clock_that_stands_or_leaps_breaks_nothing() {
        let mut scene = Scene::new();
        scene.refused = u64::MAX;
        assert_eq!(scene.at(1, STRANGER), None);
        scene.refused = 3;
        assert_eq!(scene.at(400_000_000, STRANGER), None);
        assert_eq!(scene.at(400_000_000, STRANGER), None);
    }
}
