//! Xsi documents, as XML and as JSON: what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::xsi::codec;

/// As large as a document of the lab may be.
const CAP: usize = 64 * 1024;

/// Room for escapes that writing adds.
const REWRITTEN: usize = 16 * CAP;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(document) = codec::parse_xml(bytes, CAP, None) {
        let written = codec::write_xml(&document, codec::Encoding::Utf8);
        let again = codec::parse_xml(&written, REWRITTEN, None).expect("what we wrote is XML");
        assert_eq!(document, again);
    }
    if let Ok(document) = codec::parse_json(bytes, CAP) {
        let written = codec::write_json(&document);
        let again = codec::parse_json(&written, REWRITTEN).expect("what we wrote is JSON");
        assert_eq!(document, again);
    }
});
