//! What a monitoring plug-in says: thresholds, samples of the daemon's own metrics, and the verdict
//! on them in the manner of Nagios and Icinga (monitoring-plugins development guidelines).

pub mod lifetime;
pub mod questions;
pub mod range;
pub mod samples;
pub mod verdict;

pub use lifetime::LifetimeLimit;
pub use range::Range;
pub use samples::Sample;
pub use samples::Samples;
pub use verdict::Report;
pub use verdict::State;
