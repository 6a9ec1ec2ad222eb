//! The client against a service that does what its script says.
