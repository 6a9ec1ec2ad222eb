//! Servers of BroadWorks that are no XSP.

pub mod ocip;
