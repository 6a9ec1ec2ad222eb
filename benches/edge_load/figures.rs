//! What was measured, and how it is told.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Bare,
    Xspd,
}

impl Subject {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Xspd => "xspd",
        }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    HandshakesP256,
    HandshakesRsa2048,
    Requests,
    AddedMedian,
    AddedP99,
    IdleBytes,
    EventsFew,
    EventCostFew,
    EventsMany,
    EventCostMany,
    StreamBytes,
    DeliveryMedian,
    DeliveryP99,
    Beats,
}

impl Figure {
    const ALL: [Self; 14] = [
        Self::HandshakesP256,
        Self::HandshakesRsa2048,
        Self::Requests,
        Self::AddedMedian,
        Self::AddedP99,
        Self::IdleBytes,
        Self::EventsFew,
        Self::EventCostFew,
        Self::EventsMany,
        Self::EventCostMany,
        Self::StreamBytes,
        Self::DeliveryMedian,
        Self::DeliveryP99,
        Self::Beats,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::HandshakesP256 => "mtls-handshakes-p256-per-cpu-second",
            Self::HandshakesRsa2048 => "mtls-handshakes-rsa2048-per-cpu-second",
            Self::Requests => "relayed-1k-gets-per-cpu-second",
            Self::AddedMedian => "added-median-microseconds-at-2000-per-second",
            Self::AddedP99 => "added-p99-microseconds-at-2000-per-second",
            Self::IdleBytes => "resident-bytes-per-idle-mtls-connection",
            Self::EventsFew => "events-per-cpu-second-on-1000-streams",
            Self::EventCostFew => "cpu-microseconds-per-event-on-1000-streams",
            Self::EventsMany => "events-per-cpu-second-on-all-streams",
            Self::EventCostMany => "cpu-microseconds-per-event-on-all-streams",
            Self::StreamBytes => "resident-bytes-per-idle-stream",
            Self::DeliveryMedian => "delivery-median-microseconds-at-200-per-second",
            Self::DeliveryP99 => "delivery-p99-microseconds-at-200-per-second",
            Self::Beats => "heartbeats-and-acks-per-cpu-second",
        }
    }
}

/// All values, round by round.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<(Figure, Subject), Vec<f64>>);

impl Figures {
    pub(crate) fn add(&mut self, figure: Figure, subject: Subject, value: f64) {
        self.0.entry((figure, subject)).or_default().push(value);
    }

    /// Medians, their ratio, and how far single rounds lie apart.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "\n{:<46} {:>10} {:>10} {:>10}  {}\n",
            "figure (median)", "bare", "xspd", "xspd/bare", "lowest … highest: bare | xspd"
        );
        for figure in self.measured() {
            let bare = self.median(figure, Subject::Bare);
            let xspd = self.median(figure, Subject::Xspd);
            let number = |value: Option<f64>, digits| match value {
                Some(value) => format!("{value:.digits$}"),
                None => "-".to_owned(),
            };
            let digits = bare.or(xspd).map_or(0, digits);
            text.push_str(&format!(
                "{:<46} {:>10} {:>10} {:>10}  {} | {}\n",
                figure.as_str(),
                number(bare, digits),
                number(xspd, digits),
                number(ratio(bare, xspd), 3),
                self.span(figure, Subject::Bare),
                self.span(figure, Subject::Xspd),
            ));
        }
        text
    }

    /// The same for machines, with every single value.
    pub(crate) fn json(&self, connections: usize, threads: usize) -> Value {
        let figures: serde_json::Map<String, Value> = self
            .measured()
            .map(|figure| {
                let bare = self.median(figure, Subject::Bare);
                let xspd = self.median(figure, Subject::Xspd);
                let value = json!({
                    "bare": bare,
                    "xspd": xspd,
                    "ratio": ratio(bare, xspd),
                    "rounds-bare": self.values(figure, Subject::Bare),
                    "rounds-xspd": self.values(figure, Subject::Xspd),
                });
                (figure.as_str().to_owned(), value)
            })
            .collect();
        json!({
            "server-threads": threads,
            "connections": connections,
            "figures": figures,
        })
    }

    /// Figures that have values.
    fn measured(&self) -> impl Iterator<Item = Figure> {
        let has_values = |figure: &Figure| {
            let mut measured = self.0.keys();
            measured.any(|(measured, _)| measured == figure)
        };
        Figure::ALL.into_iter().filter(has_values)
    }

    fn values(&self, figure: Figure, subject: Subject) -> &[f64] {
        self.0.get(&(figure, subject)).map_or(&[], Vec::as_slice)
    }

    fn median(&self, figure: Figure, subject: Subject) -> Option<f64> {
        percentile(self.values(figure, subject), 50)
    }

    fn span(&self, figure: Figure, subject: Subject) -> String {
        let values = self.values(figure, subject);
        match (percentile(values, 0), percentile(values, 100)) {
            (Some(lowest), Some(highest)) => {
                let digits = digits(lowest);
                format!("{lowest:.digits$} … {highest:.digits$}")
            }
            _ => "-".to_owned(),
        }
    }
}

/// Small numbers need a digit behind the point.
const fn digits(value: f64) -> usize {
    if value < 100.0 { 1 } else { 0 }
}

fn ratio(bare: Option<f64>, xspd: Option<f64>) -> Option<f64> {
    bare.zip(xspd).map(|(bare, xspd)| xspd / bare)
}

/// The value below which `percent` of all lie; `None` without values.
pub(crate) fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last * percent).div_ceil(100)).copied()
}
