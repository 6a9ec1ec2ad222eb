//! Metrics of everything that ends: absolute times, made anew at each scrape from what was published
//! last, so that what is no longer watched leaves no series behind.
//!
//! The `x509_…` names and their labels are those of a well-known exporter, so that rules and
//! dashboards made for it work; what is ours is added.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::EncodeMetric as _;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::domain::certs::CertificateFacts;
use crate::domain::certs::crl::Crl;
use crate::domain::certs::date;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::name_parts::NameParts;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::watchlist::Board;
use crate::domain::certs::watchlist::Standing;
use crate::platform::clock;

/// What is published about everything that ends.
#[derive(Debug, Default)]
pub struct CertificateMetrics {
    board: ArcSwap<Board>,
}

type Labels = Vec<(&'static str, String)>;

impl CertificateMetrics {
    /// With nothing published yet. The registry adds no prefix to names.
    pub(super) fn register(registry: &mut Registry) -> Arc<Self> {
        let metrics = Arc::new(Self::default());
        registry.register_collector(Box::new(Arc::clone(&metrics)));
        metrics
    }

    /// Shows this board from now on.
    pub fn publish(&self, board: &Arc<Board>) {
        self.board.store(Arc::clone(board));
    }
}

impl Collector for CertificateMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let board = self.board.load();
        let mut families = Families {
            board: &board,
            now: date::to_unix(clock::wall()),
            encoder,
        };
        families.certificates()?;
        families.lists()?;
        families.everything()
    }
}

/// What is written at one scrape.
struct Families<'a, 'e> {
    board: &'a Board,
    now: i64,
    encoder: DescriptorEncoder<'e>,
}

impl Families<'_, '_> {
    /// A family without a series is left out.
    fn add(&mut self, name: &str, help: &str, series: Vec<(Labels, i64)>) -> fmt::Result {
        if series.is_empty() {
            return Ok(());
        }
        let gauge = MetricType::Gauge;
        let mut metric = self.encoder.encode_descriptor(name, help, None, gauge)?;
        for (labels, value) in series {
            ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn certificates(&mut self) -> fmt::Result {
        let all = certificates(self.board);
        let of = |value: &dyn Fn(&CertificateFacts) -> i64| {
            all.iter()
                .map(|(labels, facts)| (labels.clone(), value(facts)))
                .collect()
        };
        let now = self.now;
        let end = |facts: &CertificateFacts| date::to_unix(facts.not_after);
        self.add(
            "x509_cert_not_after",
            "End of a certificate, Unix time",
            of(&end),
        )?;
        self.add(
            "x509_cert_not_before",
            "Start of a certificate, Unix time",
            of(&|facts| date::to_unix(facts.not_before)),
        )?;
        self.add(
            "x509_cert_expired",
            "Whether a certificate has ended",
            of(&|facts| i64::from(now > end(facts))),
        )
    }

    fn lists(&mut self) -> fmt::Result {
        let (board, now) = (self.board, self.now);
        let next = |crl: &Crl| crl.next_update.map(date::to_unix);
        self.add(
            "x509_crl_this_update",
            "Start of a revocation list, Unix time",
            lists(board, &|crl| Some(date::to_unix(crl.this_update))),
        )?;
        self.add(
            "x509_crl_next_update",
            "Promised end of a revocation list, Unix time",
            lists(board, &next),
        )?;
        self.add(
            "x509_crl_number",
            "Running number of a revocation list",
            lists(board, &|crl| crl.number.as_ref()?.parse().ok()),
        )?;
        self.add(
            "x509_crl_stale",
            "Whether a revocation list is past its promised end",
            lists(board, &|crl| Some(i64::from(next(crl)? < now))),
        )
    }

    fn everything(&mut self) -> fmt::Result {
        let board = self.board;
        if board.standings.is_empty() {
            return Ok(());
        }
        self.add(
            "xspd_cert_end_timestamp_seconds",
            "End of anything that is watched, Unix time",
            ends(board, |standing| standing.not_after),
        )?;
        self.add(
            "xspd_cert_start_timestamp_seconds",
            "Start of anything that is watched, Unix time",
            ends(board, |standing| standing.not_before),
        )?;
        self.add(
            "xspd_cert_renewal_due_timestamp_seconds",
            "When something should renew itself, Unix time",
            times(board, |standing| standing.renewal_due),
        )?;
        self.add(
            "xspd_cert_source_up",
            "Whether a place is seen; it is not when so many looks failed in a row that it is lost",
            sources(board),
        )?;
        self.add(
            "xspd_cert_unseen",
            "What nobody has seen since the start of the daemon, and why",
            unseen(board),
        )?;
        self.add(
            "xspd_cert_problems",
            "Things that are wrong with what is watched",
            problems(board),
        )
    }
}

/// Every certificate of every object, with its labels.
fn certificates(board: &Board) -> Vec<(Labels, CertificateFacts)> {
    let mut all = Vec::new();
    for standing in &board.standings {
        for (facts, counts) in standing.certificates() {
            let mut labels = labels(standing, facts);
            labels.push(("counts", counts.to_string()));
            all.push((labels, facts.clone()));
        }
    }
    all
}

/// Every revocation list with a value.
fn lists(board: &Board, value: &dyn Fn(&Crl) -> Option<i64>) -> Vec<(Labels, i64)> {
    let held = board.standings.iter();
    held.filter_map(|standing| {
        let crl = standing.crl.as_ref()?;
        let issuer = NameParts::of(&crl.issuer_der);
        let (name, path) = file(standing);
        let labels = vec![
            ("issuer_C", issuer.country),
            ("issuer_ST", issuer.state),
            ("issuer_L", issuer.locality),
            ("issuer_O", issuer.organization),
            ("issuer_OU", issuer.unit),
            ("issuer_CN", issuer.common_name),
            ("filename", name),
            ("filepath", path),
            ("object", standing.watched.id.to_string()),
        ];
        Some((labels, value(crl)?))
    })
    .collect()
}

/// Name and path of the file that counts.
fn file(standing: &Standing) -> (String, String) {
    let place = standing.seen_at.as_ref();
    let file = place.filter(|place| place.kind == PlaceKind::File);
    let path = file.map(|place| place.name.clone()).unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    (name, path)
}

fn labels(standing: &Standing, facts: &CertificateFacts) -> Labels {
    let subject = NameParts::of(&facts.subject_der);
    let issuer = NameParts::of(&facts.issuer_der);
    let (name, path) = file(standing);
    vec![
        ("serial_number", facts.serial.clone()),
        ("subject_C", subject.country),
        ("subject_ST", subject.state),
        ("subject_L", subject.locality),
        ("subject_O", subject.organization),
        ("subject_OU", subject.unit),
        ("subject_CN", subject.common_name),
        ("issuer_C", issuer.country),
        ("issuer_ST", issuer.state),
        ("issuer_L", issuer.locality),
        ("issuer_O", issuer.organization),
        ("issuer_OU", issuer.unit),
        ("issuer_CN", issuer.common_name),
        ("filename", name),
        ("filepath", path),
        ("object", standing.watched.id.to_string()),
        (
            "listener",
            standing.watched.listener.clone().unwrap_or_default(),
        ),
        ("role", standing.watched.duty.word().to_owned()),
        ("managed", managed(standing)),
    ]
}

fn managed(standing: &Standing) -> String {
    (standing.watched.kind == Kind::ManagedLeaf).to_string()
}

/// Of everything, with what tells apart what the `x509_cert_…` series show already.
fn ends(board: &Board, time: fn(&Standing) -> Option<SystemTime>) -> Vec<(Labels, i64)> {
    let held = board.standings.iter();
    held.filter_map(|standing| {
        let labels = vec![
            ("object", standing.watched.id.to_string()),
            ("role", standing.watched.duty.word().to_owned()),
            ("managed", managed(standing)),
            ("chain", standing.chain.is_some().to_string()),
        ];
        Some((labels, date::to_unix(time(standing)?)))
    })
    .collect()
}

fn times(board: &Board, time: fn(&Standing) -> Option<SystemTime>) -> Vec<(Labels, i64)> {
    let held = board.standings.iter();
    held.filter_map(|standing| {
        let labels = vec![
            ("object", standing.watched.id.to_string()),
            ("role", standing.watched.duty.word().to_owned()),
        ];
        Some((labels, date::to_unix(time(standing)?)))
    })
    .collect()
}

fn sources(board: &Board) -> Vec<(Labels, i64)> {
    let mut all = Vec::new();
    for standing in &board.standings {
        for place in &standing.places {
            let labels = vec![
                ("object", standing.watched.id.to_string()),
                ("kind", place.place.kind.word().to_owned()),
                ("source", place.place.name.clone()),
            ];
            all.push((labels, i64::from(!place.lost)));
        }
    }
    all
}

/// What was never seen: how it is nobody knows, whatever `xspd_cert_source_up` says yet.
fn unseen(board: &Board) -> Vec<(Labels, i64)> {
    let held = board.standings.iter();
    held.filter(|standing| standing.is_unseen())
        .map(|standing| {
            let mut faults = standing.places.iter();
            let fault = faults.find_map(|place| place.fault.as_ref());
            let reason = fault.map_or("", |fault| fault.word());
            let labels = vec![
                ("object", standing.watched.id.to_string()),
                ("role", standing.watched.duty.word().to_owned()),
                ("reason", reason.to_owned()),
            ];
            (labels, 1)
        })
        .collect()
}

/// By severity; all of them, so that a rule finds zeros too.
fn problems(board: &Board) -> Vec<(Labels, i64)> {
    crate::domain::alarms::Severity::ALL
        .into_iter()
        .map(|severity| {
            let of = |standing: &Arc<Standing>| {
                let problems = standing.problems.iter();
                problems
                    .filter(|problem| problem.severity == severity)
                    .count()
            };
            let count: usize = board.standings.iter().map(of).sum();
            let labels = vec![("severity", severity.word().to_owned())];
            (labels, i64::try_from(count).unwrap_or(i64::MAX))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::domain::certs::inventory::Duty;
    use crate::domain::certs::inventory::ObjectId;
    use crate::domain::certs::inventory::Watched;
    use crate::domain::certs::judgement::ChainSeen;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;
    use crate::domain::certs::source::Place;
    use crate::domain::certs::source::SourceFault;
    use crate::domain::certs::watchlist::Absence;
    use crate::domain::certs::watchlist::Action;
    use crate::domain::certs::watchlist::Input;
    use crate::domain::certs::watchlist::Round;
    use crate::domain::certs::watchlist::Rules;
    use crate::domain::certs::watchlist::Scan;
    use crate::domain::certs::watchlist::Seen;
    use crate::domain::certs::watchlist::Sighting;
    use crate::domain::certs::watchlist::Watchlist;
    use crate::domain::machine::Machine as _;
    use crate::telemetry::Telemetry;

    /// What is published after so many looks: a declared certificate, an old anchor, and a file that
    /// cannot be read.
    fn published(looks: usize) -> String {
        let now = clock::now();
        let entry: Arc<str> = "a".into();
        let watched = |name: &str, kind, duty| {
            let id = ObjectId::new(name, "");
            Watched::new(id, &entry, kind, duty)
        };
        let declared = watched("cucm", Kind::Declared, Duty::Server);
        let mut anchor = watched("old", Kind::TrustAnchor, Duty::TrustAnchor);
        anchor.superseded = true;
        let file = watched("file", Kind::ManualLeaf, Duty::Server);
        let root = Minted::root(mint::ca("Root")).der;
        let chain = ChainSeen::judge(&[root], &anchor, now.wall).unwrap();
        let year = Duration::from_secs(365 * 86_400);
        let dates = Seen::Dates {
            start: Some(now.wall - year),
            end: Some(now.wall + year),
        };
        let sighting = |watched: &Watched, seen| Sighting {
            watched: Arc::new(watched.clone()),
            place: Place::new(PlaceKind::File, "/x.pem"),
            seen,
        };
        let scan = Scan {
            round: Round::Files,
            entries: BTreeMap::from([(Arc::clone(&entry), Absence::Lost)]),
            sightings: vec![
                sighting(&declared, Ok(dates)),
                sighting(&anchor, Ok(Seen::Chain(Arc::new(chain)))),
                sighting(&file, Err(SourceFault::Missing)),
            ],
        };
        let telemetry = Telemetry::new();
        let mut list = Watchlist::new(Rules::default(), now);
        for _ in 0..looks {
            list.handle(Input::Scanned(scan.clone()), now);
            while let Some(action) = list.poll_action() {
                if let Action::Publish(board) = action {
                    telemetry.certificates.publish(&board);
                }
            }
        }
        telemetry.render()
    }

    fn has(text: &str, name: &str, labels: &[&str], end: &str) -> bool {
        text.lines().any(|line| {
            let all = labels.iter().all(|label| line.contains(label));
            line.starts_with(&format!("{name}{{")) && all && line.ends_with(end)
        })
    }

    #[test]
    fn series_say_what_counts_and_what_has_no_chain() {
        let text = published(1);
        let old = ["object=\"old\"", "counts=\"false\""];
        assert!(has(&text, "x509_cert_not_after", &old, ""), "{text}");
        let own = ["object=\"cucm\"", "chain=\"false\"", "managed=\"false\""];
        for name in ["xspd_cert_end", "xspd_cert_start"] {
            let name = format!("{name}_timestamp_seconds");
            assert!(has(&text, &name, &own, ""), "{text}");
            let old = ["object=\"old\"", "chain=\"true\""];
            assert!(has(&text, &name, &old, ""), "{text}");
        }
    }

    #[test]
    fn one_failed_look_is_no_loss_and_three_are() {
        let own = ["object=\"file\"", "source=\"/x.pem\""];
        let unseen = ["object=\"file\"", "reason=\"missing\""];
        let text = published(1);
        assert!(has(&text, "xspd_cert_unseen", &unseen, " 1"), "{text}");
        assert_eq!(text.matches("xspd_cert_unseen{").count(), 1, "{text}");
        for (looks, end) in [(1, " 1"), (2, " 1"), (3, " 0")] {
            let text = published(looks);
            assert!(has(&text, "xspd_cert_source_up", &own, end), "{text}");
        }
    }
}
