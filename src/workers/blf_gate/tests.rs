//! The gate in front of a scripted XSP: who is let in, how often the XSP is asked, and what it costs
//! when it is away.
