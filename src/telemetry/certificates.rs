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
