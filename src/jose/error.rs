//! What can go wrong with our own keys. Faults of foreign tokens and keys are values of their own.

/// Why a computation came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// A key of another length than 2048, 3072 or 4096 bits was asked for.
    #[error("keys have 2048, 3072 or 4096 bits")]
    KeyLength,
    /// The library refused; with sound keys it does so when memory or randomness is missing.
    #[error("the cryptographic library refused")]
    Refused,
}

impl From<aws_lc_rs::error::Unspecified> for JoseError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Refused
    }
}

impl From<aws_lc_rs::error::KeyRejected> for JoseError {
    fn from(_: aws_lc_rs::error::KeyRejected) -> Self {
        Self::Refused
    }
}

/// No active key, or one that the library refuses to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no key to sign with; make one with `xspd keys generate`, or import the farm's")]
pub struct KeysNotReady;
