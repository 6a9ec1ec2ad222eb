//! AuthService itself: one desk that makes tokens, checks them and stands in for them towards the
//! XSP.

mod bounded;
mod denied;
mod flights;
