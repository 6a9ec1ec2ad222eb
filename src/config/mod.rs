//! Configuration: `raw` (as written) -> `check` -> [`Config`] (proven).

mod model;
pub mod secret;

pub use model::*;
