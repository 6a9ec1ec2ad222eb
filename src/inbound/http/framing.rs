//! Where a request's body ends, as its head says.

use http::HeaderMap;
use http::header;

use crate::domain::edge::reason::Reason;

/// Bodies whose end two servers could see in two places are refused; the parser below is
/// guarded too, this is what is visible here. Gives the length when one is announced.
pub(in crate::inbound) fn check_framing(headers: &HeaderMap) -> Result<Option<u64>, Reason> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let coding = codings.next();
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.next().is_some() || (coding.is_some() && length.is_some()) {
        return Err(Reason::LengthConflict);
    }
    if let Some(coding) = coding
        && (codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return Err(Reason::TransferCoding);
    }
    let Some(length) = length else {
        return Ok(None);
    };
    let digits = length.as_bytes();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::LengthConflict);
    }
    // More digits than fit are a large body, not a conflict.
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    Ok(Some(length.unwrap_or(u64::MAX)))
}
