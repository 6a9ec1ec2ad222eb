//! Users' tokens of Cisco's Common Identity (CI): what can be judged without asking, and how the
//! answers of those who are asked are read.

pub mod clusters;
