//! What is kept, and that nothing else is.
