//! Reads the daemon's metrics as it publishes them (OpenMetrics 1.0 text).

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric, with its suffix.
    pub name: String,
    /// Its labels in their order.
    pub labels: Vec<(String, String)>,
    /// Its value; `NaN` where that was said.
    pub value: f64,
}

impl Sample {
    /// A label; empty where there is none, as OpenMetrics has it.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels
            .iter()
            .find(|(label, _)| label == name)
            .map_or("", |(_, value)| value)
    }
}

/// All samples of one answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples(Vec<Sample>);

/// Which line could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSamples {
    /// It is none of OpenMetrics.
    #[error("line {0} of the metrics cannot be read")]
    Line(usize),
    /// The mark of the end is missing: the answer was cut.
    #[error("the metrics end in the middle")]
    Cut,
}

impl Samples {
    /// Reads a whole answer. Comments and types are skipped, time stamps and exemplars left out.
    ///
    /// # Errors
    /// A line is not of that form, or the answer was cut.
    pub fn read(text: &str) -> Result<Self, BadSamples> {
        let mut all = Vec::new();
        let mut ended = false;
        for (at, line) in text.lines().enumerate() {
            if line == "# EOF" {
                ended = true;
            } else if !line.is_empty() && !line.starts_with('#') {
                all.push(sample(line).ok_or(BadSamples::Line(at + 1))?);
            }
        }
        if ended {
            Ok(Self(all))
        } else {
            Err(BadSamples::Cut)
        }
    }

    /// The samples of one metric.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| sample.name == name)
    }
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.trim_start().split(' ').next()?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        value => value.parse().ok()?,
    };
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// The labels up to their brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, value) = rest.split_once("=\"")?;
        let mut text = String::new();
        let mut chars = value.char_indices();
        let after = loop {
            match chars.next()? {
                (at, '"') => break value.get(at + 1..)?,
                (_, '\\') => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    other => text.push(other),
                },
                (_, other) => text.push(other),
            }
        };
        labels.push((name.to_owned(), text));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_with_escapes_types_and_numbers() {
        let text = "# HELP a b\n# TYPE a gauge\na 1\nb{x=\"1\",y=\"a\\\"b\\\\c}\"} 2.5e3 17\n\
                    c{} NaN\nd{z=\"\"} +Inf # {t=\"1\"} 1\n# EOF\n";
        let samples = Samples::read(text).unwrap();
        assert!((samples.of("a").next().unwrap().value - 1.0).abs() < f64::EPSILON);
        let b = samples.of("b").next().unwrap();
        assert_eq!(
            (b.label("x"), b.label("y"), b.label("no")),
            ("1", "a\"b\\c}", "")
        );
        assert!((b.value - 2500.0).abs() < f64::EPSILON);
        assert!(samples.of("c").next().unwrap().value.is_nan());
        assert!(samples.of("d").next().unwrap().value.is_infinite());
        assert_eq!(samples.of("e").count(), 0);
    }

    #[test]
    fn a_cut_or_strange_answer_is_told_with_its_line() {
        assert_eq!(Samples::read("a 1\n"), Err(BadSamples::Cut));
        assert_eq!(Samples::read("<html>\n# EOF\n"), Err(BadSamples::Line(1)));
        assert_eq!(
            Samples::read("a 1\nb{x=\"1 2\n# EOF\n"),
            Err(BadSamples::Line(2))
        );
        assert_eq!(Samples::read("a{x=\"\\"), Err(BadSamples::Line(1)));
    }
}
