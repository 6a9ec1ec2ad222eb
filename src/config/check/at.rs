//! A place in the configuration being checked: where values are parsed and problems noted.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::Problem;
use crate::config::check::rules::Bounds;
use crate::config::path::join;
use crate::config::path::labels;
use crate::config::raw::DurationText;
use crate::config::raw::SecretText;
use crate::config::raw::SizeText;
use crate::config::secret::NotASecretRef;
use crate::config::secret::SECRET_FORM;
use crate::config::secret::SecretRef;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::between;
use crate::config::values::wrong;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Sink {
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl Sink {
    /// Problems, then warnings.
    pub(super) fn into_parts(self) -> (Vec<Problem>, Vec<Problem>) {
        (self.problems.into_inner(), self.warnings.into_inner())
    }

    fn note(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }
}

/// A path and where its problems go.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    sink: &'a Sink,
    path: String,
}

impl<'a> At<'a> {
    pub(super) const fn root(sink: &'a Sink) -> Self {
        Self {
            sink,
            path: String::new(),
        }
    }

    /// The place of a key.
    pub(super) fn key(&self, key: &str) -> Self {
        Self {
            sink: self.sink,
            path: join(&self.path, key),
        }
    }

    /// The place of an element, by its label.
    pub(super) fn element(&self, label: &str) -> Self {
        Self {
            sink: self.sink,
            path: format!("{}{label}", self.path),
        }
    }

    /// Notes a problem that needs no value.
    pub(super) fn refuse(&self, what: impl Into<String>, expected: impl Into<String>) {
        let problem = Problem::new(self.path.clone(), what).expected(expected);
        self.sink.note(problem);
    }

    /// Notes what works but is not what most want; it refuses nothing.
    pub(super) fn warn(&self, what: impl Into<String>, expected: impl Into<String>) {
        let warning = Problem::new(self.path.clone(), what).expected(expected);
        self.sink.warnings.borrow_mut().push(warning);
    }

    /// Notes a problem of a value, given as it was written.
    pub(super) fn refuse_value(&self, value: impl Into<String>, wrong: Wrong) {
        let problem = Problem::new(self.path.clone(), wrong.what).expected(wrong.expected);
        self.sink.note(problem.value(value));
    }

    /// A text that may be absent; `None` also after a problem.
    pub(super) fn text<T>(
        &self,
        key: &str,
        written: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = written?;
        let refused = |wrong| self.key(key).refuse_value(format!("{text:?}"), wrong);
        parse(text).map_err(refused).ok()
    }

    /// A text that must be there; `None` after a problem.
    pub(super) fn required<T>(
        &self,
        key: &str,
        written: Option<&str>,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        if written.is_none() {
            self.key(key).refuse("missing", expected);
        }
        self.text(key, written, parse)
    }

    /// The good elements of a list of texts; a second one of the same value is a problem.
    pub(super) fn list<T: PartialEq>(
        &self,
        key: &str,
        written: Option<&[String]>,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let at = self.key(key);
        let mut values = Vec::new();
        for (index, text) in written.unwrap_or_default().iter().enumerate() {
            let fresh = parse(text).and_then(|value| {
                if values.contains(&value) {
                    wrong("written twice", "each once")
                } else {
                    Ok(value)
                }
            });
            match fresh {
                Ok(value) => values.push(value),
                Err(fault) => {
                    let element = at.element(&format!("[{index}]"));
                    element.refuse_value(format!("{text:?}"), fault);
                }
            }
        }
        values
    }

    /// Like [`At::list`], and one element at least must have been written.
    pub(super) fn some<T: PartialEq>(
        &self,
        key: &str,
        written: Option<&[String]>,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Vec<T> {
        match written {
            None => self.key(key).refuse("missing", expected),
            Some([]) => self.key(key).refuse("empty", expected),
            Some(_) => {}
        }
        self.list(key, written, parse)
    }

    /// A duration within bounds, or the default.
    pub(super) fn duration(
        &self,
        key: &str,
        written: Option<&DurationText>,
        bounds: &Bounds<Duration>,
    ) -> Duration {
        let text = written.map(|text| text.0.as_str());
        let value = self.text(key, text, |text| {
            let value = values::duration(text)?;
            bounds.hold(value, |d| values::duration_text(*d))
        });
        value.unwrap_or(bounds.default)
    }

    /// A size within bounds, or the default.
    pub(super) fn size(&self, key: &str, written: Option<&SizeText>, bounds: &Bounds<u64>) -> u64 {
        let Some(size) = written else {
            return bounds.default;
        };
        let show = |bytes: &u64| match values::size_text(*bytes) {
            SizeText::Bytes(bytes) => bytes.to_string(),
            SizeText::Text(text) => text,
        };
        let value = values::size(size).and_then(|bytes| bounds.hold(bytes, show));
        value.unwrap_or_else(|fault| {
            let shown = match size {
                SizeText::Bytes(bytes) => bytes.to_string(),
                SizeText::Text(text) => format!("{text:?}"),
            };
            self.key(key).refuse_value(shown, fault);
            bounds.default
        })
    }

    /// A number within bounds, or the default.
    pub(super) fn count(&self, key: &str, written: Option<i64>, bounds: &Bounds<u32>) -> u32 {
        let Some(number) = written else {
            return bounds.default;
        };
        let narrow = u32::try_from(number).or_else(|_| bounds.outside(ToString::to_string));
        let value = narrow.and_then(|n| bounds.hold(n, ToString::to_string));
        value.unwrap_or_else(|fault| {
            self.key(key).refuse_value(number.to_string(), fault);
            bounds.default
        })
    }

    /// A number of any kind within bounds, or the default.
    pub(super) fn rate(&self, key: &str, written: Option<f64>, bounds: &Bounds<f64>) -> f64 {
        let Some(number) = written else {
            return bounds.default;
        };
        bounds
            .hold(number, ToString::to_string)
            .unwrap_or_else(|fault| {
                self.key(key).refuse_value(number.to_string(), fault);
                bounds.default
            })
    }

    /// A reference to a secret that may be absent; `None` also after a problem.
    pub(super) fn secret(&self, key: &str, written: Option<&SecretText>) -> Option<SecretRef> {
        let refused = |fault: NotASecretRef| {
            let fault = Wrong {
                what: fault.to_string(),
                expected: SECRET_FORM.to_owned(),
            };
            // Whatever was written may be the secret itself.
            self.key(key).refuse_value("…", fault);
        };
        written?.0.parse().map_err(refused).ok()
    }

    /// A secret that must be there.
    pub(super) fn needed_secret(
        &self,
        key: &str,
        written: Option<&SecretText>,
    ) -> Option<SecretRef> {
        if written.is_none() {
            self.key(key).refuse("missing", SECRET_FORM);
        }
        self.secret(key, written)
    }

    /// The URL of a service that may be absent; `None` also after a problem.
    pub(super) fn url(
        &self,
        key: &str,
        written: Option<&str>,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<String, Wrong>,
    ) -> Option<String> {
        let text = written?;
        if !text.contains('@') {
            return self.text(key, Some(text), parse);
        }
        let fault = Wrong {
            what: "a user and password have no place here".to_owned(),
            expected: expected.to_owned(),
        };
        // A password written into the address must not reach a log.
        self.key(key).refuse_value("…", fault);
        None
    }

    /// The elements of a list of tables that have names.
    pub(super) fn named<R, T>(
        &self,
        key: &str,
        elements: Option<&[R]>,
        name: impl Fn(&R) -> Option<String>,
        prove: impl FnMut(&Self, String, &R) -> T,
    ) -> Vec<T> {
        self.named_as(key, elements, name, values::name, prove)
    }

    /// The same with names of another form.
    pub(super) fn named_as<R, T>(
        &self,
        key: &str,
        elements: Option<&[R]>,
        name: impl Fn(&R) -> Option<String>,
        form: impl Fn(&str) -> Result<String, Wrong>,
        mut prove: impl FnMut(&Self, String, &R) -> T,
    ) -> Vec<T> {
        let elements = elements.unwrap_or_default();
        let names: Vec<Option<String>> = elements.iter().map(name).collect();
        let labels = labels(names.iter().map(Option::as_deref));
        let mut seen = BTreeSet::new();
        let mut proven = Vec::with_capacity(elements.len());
        for ((element, written), label) in elements.iter().zip(names).zip(labels) {
            let at = self.key(key).element(&label);
            let name = at.required("name", written.as_deref(), "a name", &form);
            if let Some(name) = &name
                && !seen.insert(name.clone())
            {
                let fault = Wrong {
                    what: format!("a second {key} of this name"),
                    expected: "a name of its own".to_owned(),
                };
                at.key("name").refuse_value(format!("{name:?}"), fault);
            }
            proven.push(prove(&at, name.unwrap_or_default(), element));
        }
        proven
    }
}

impl<T: Copy + PartialOrd> Bounds<T> {
    fn hold(&self, value: T, show: impl Fn(&T) -> String) -> Result<T, Wrong> {
        if (self.low..=self.high).contains(&value) {
            Ok(value)
        } else {
            self.outside(show)
        }
    }

    fn outside<U>(&self, show: impl Fn(&T) -> String) -> Result<U, Wrong> {
        wrong("out of range", between(show(&self.low), show(&self.high)))
    }
}
