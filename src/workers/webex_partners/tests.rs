//! The partners against a Webex that counts, refuses and breaks off.
