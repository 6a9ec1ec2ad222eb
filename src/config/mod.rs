//! Configuration: `raw` (as written) -> `check` -> [`Config`] (proven).

mod environment;
mod model;
pub mod secret;

pub use environment::Environment;
pub use model::*;
