//! What the edge decides about a request: target, headers, policy.
