//! The client against a scripted fake.
