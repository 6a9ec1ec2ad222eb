//! Rules that no compiler holds: who may use whom, what is linked, what files look like,
//! what the README says.

mod alarms;
mod dependencies;
mod files;
mod layering;
mod monitoring;
mod noc;
mod output;
mod readme;
mod source;
mod words;
