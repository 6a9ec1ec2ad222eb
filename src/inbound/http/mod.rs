//! HTTP once the connection stands: routing, limits, relay, refusals.
