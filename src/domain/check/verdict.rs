//! The verdict of a plug-in, and how it is printed.

/// The four states of a monitoring plug-in, in the order in which they win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// All is well.
    Ok,
    /// Cannot be told.
    Unknown,
    /// Somebody should look.
    Warning,
    /// Somebody must act.
    Critical,
}

impl State {
    /// The word on the first line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub state: State,
    /// One line.
    pub text: String,
}

/// Most findings that are printed; a farm of hundreds of certificates must not flood a pager.
const SHOWN: usize = 50;

/// What a plug-in found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    findings: Vec<Finding>,
    perfdata: Vec<String>,
}

impl Report {
    /// With one finding and nothing measured.
    #[must_use]
    pub fn only(state: State, text: impl Into<String>) -> Self {
        let mut report = Self::default();
        report.find(state, text);
        report
    }

    /// Adds a finding; line breaks and bars, which end it for a monitoring system, become spaces.
    pub fn find(&mut self, state: State, text: impl Into<String>) {
        let text = text.into().replace(['\n', '\r', '|'], " ");
        self.findings.push(Finding { state, text });
    }

    /// Adds a measured value. `unit` is empty, `s`, `%`, `c` or `B`; `rest` is `warn;crit;min;max`.
    pub fn measure(&mut self, label: &str, value: f64, unit: &str, rest: &str) {
        let label = label.replace(['\'', '='], "_");
        let value = if value.is_finite() {
            format!("{value}")
        } else {
            "U".to_owned()
        };
        let rest = rest.trim_end_matches(';');
        let rest = if rest.is_empty() {
            String::new()
        } else {
            format!(";{rest}")
        };
        self.perfdata.push(format!("'{label}'={value}{unit}{rest}"));
    }

    /// The worst.
    #[must_use]
    pub fn state(&self) -> State {
        let worst = self.findings.iter().map(|finding| finding.state).max();
        worst.unwrap_or(State::Unknown)
    }

    /// The findings, the worst first.
    #[must_use]
    pub fn findings(&self) -> Vec<&Finding> {
        let mut all: Vec<_> = self.findings.iter().collect();
        all.sort_by_key(|finding| std::cmp::Reverse(finding.state));
        all
    }

    /// The values, each as it is printed.
    #[must_use]
    pub fn perfdata(&self) -> &[String] {
        &self.perfdata
    }

    /// `TITLE STATE - the worst | values`, then a line per further finding.
    #[must_use]
    pub fn text(&self, title: &str) -> String {
        let findings = self.findings();
        let mut out = format!("{title} {}", self.state().word());
        let bad = findings.iter().filter(|f| f.state != State::Ok).count();
        if let Some(first) = findings.first() {
            out += &format!(" - {}", first.text);
        }
        if bad > 1 {
            out += &format!(" (and {} more)", bad - 1);
        }
        if !self.perfdata.is_empty() {
            out += &format!(" | {}", self.perfdata.join(" "));
        }
        for finding in findings.iter().skip(1).take(SHOWN) {
            out += &format!("\n{}: {}", finding.state.word(), finding.text);
        }
        if let Some(hidden @ 1..) = findings.len().checked_sub(SHOWN + 1) {
            out += &format!("\nand {hidden} more");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_and_the_values_stand_on_the_first_line() {
        let mut report = Report::default();
        report.find(State::Ok, "fine");
        report.find(State::Critical, "bad | worse\nand so on");
        report.find(State::Warning, "so so");
        report.measure("it's", 3.5, "s", "10:;5:;0;");
        report.measure("b", f64::NAN, "", ";;;");
        assert_eq!(report.state(), State::Critical);
        assert_eq!(
            report.text("CERT"),
            "CERT CRITICAL - bad   worse and so on (and 1 more) | 'it_s'=3.5s;10:;5:;0 'b'=U\n\
             WARNING: so so\nOK: fine"
        );
    }

    #[test]
    fn a_report_without_findings_is_unknown_and_long_ones_are_cut() {
        assert_eq!(Report::default().state(), State::Unknown);
        let mut report = Report::default();
        for n in 0..60 {
            report.find(State::Warning, format!("{n}"));
        }
        assert_eq!(report.text("X").lines().count(), 1 + SHOWN + 1);
        assert!(report.text("X").ends_with("and 9 more"));
    }
}
