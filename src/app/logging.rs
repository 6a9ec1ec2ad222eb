//! Sets up the log once; its filter can change live.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::app::AppError;
use crate::config::Log;
use crate::config::LogFormat;

/// Changes the filter of the running log.
pub type FilterHandle = reload::Handle<EnvFilter, Registry>;

/// Installs the log of the process. `None` when one is installed already, as in tests.
///
/// # Errors
/// The journal is not there, or the filter does not parse.
pub fn install(log: &Log) -> Result<Option<FilterHandle>, AppError> {
    let (filter, handle) = reload::Layer::new(parse(&log.filter)?);
    let layer = match log.format {
        LogFormat::Journald => tracing_journald::layer()
            .map_err(|error| AppError::Log(format!("the journal cannot be reached: {error}")))?
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .json()
            .flatten_event(true)
            .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .boxed(),
    };
    let installed = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init();
    Ok(installed.ok().map(|()| handle))
}

/// Changes the filter.
///
/// # Errors
/// The filter does not parse.
pub fn change(handle: Option<&FilterHandle>, log: &Log) -> Result<(), AppError> {
    let filter = parse(&log.filter)?;
    handle.map_or(Ok(()), |handle| {
        handle
            .reload(filter)
            .map_err(|error| AppError::Log(error.to_string()))
    })
}

/// Libraries whose warnings any stranger can cause, with each connection anew; what the operator
/// writes about them still counts.
const QUIET: &str = "h2=error,rustls=error";

fn parse(filter: &str) -> Result<EnvFilter, AppError> {
    EnvFilter::try_new(format!("{QUIET},{filter}"))
        .map_err(|error| AppError::Log(format!("log.filter = \"{filter}\": {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_fill_the_log_through_a_library_unless_asked_for() {
        for (written, expected) in [
            ("info", ["h2=error", "rustls=error"]),
            ("h2=debug,info", ["h2=debug", "rustls=error"]),
            ("info,h2=trace,rustls=warn", ["h2=trace", "rustls=warn"]),
        ] {
            let filter = parse(written).unwrap().to_string();
            let mut of_libraries: Vec<_> = filter
                .split(',')
                .filter(|part| part.starts_with("h2") || part.starts_with("rustls"))
                .collect();
            of_libraries.sort_unstable();
            assert_eq!(of_libraries, expected, "{written}");
        }
        assert!(parse("x=y=z").is_err());
    }
}
