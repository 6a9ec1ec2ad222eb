//! Rules that no compiler holds: who may use whom, what is linked, what files look like.

mod dependencies;
mod files;
mod layering;
mod source;
mod words;
