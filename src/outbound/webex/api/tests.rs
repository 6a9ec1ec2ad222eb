//! The client against the published description, and against a Webex that misbehaves.
