//! Certificates: facts, chains, trust files.
