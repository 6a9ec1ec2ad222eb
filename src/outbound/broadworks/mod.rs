//! BroadWorks as we call it for ourselves: the Application Server, and the XSPs with an account of
//! our own.

pub mod ocip;
pub mod ocir;
pub mod xsi;
