//! Arguments to a verb to an exit code.

fn main() {}
