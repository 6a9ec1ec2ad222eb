//! The provisioner with a real store and a loopback Webex.
