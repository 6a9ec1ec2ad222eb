//! Configuration: [`raw`] (as written) -> `check` -> [`Config`] (proven).
//!
//! [`load()`] reads the files and the environment, keeps where every value came from, and reports
//! every [`Problem`] of one run at once. [`diff()`] classes the changes of a reload,
//! [`effective()`] lists every value with its origin.

mod change;
mod check;
mod effective;
mod environment;
#[cfg(test)]
mod examples;
mod files;
mod load;
mod merge;
mod model;
mod path;
mod problem;
pub mod raw;
pub mod secret;
mod shape;
mod tree;
mod values;
mod words;
mod write;

pub use change::Change;
pub use change::ChangeClass;
pub use change::diff;
pub use effective::Setting;
pub use effective::effective;
pub use environment::Environment;
pub use load::DEFAULT_PATH;
pub use load::Loaded;
pub use load::NamedFiles;
pub use load::from_text;
pub use load::load;
pub use load::load_with;
pub use model::*;
pub use problem::Place;
pub use problem::Problem;
pub use shape::schema;
pub use words::*;
