//! `footfall`: the edge binary.
fn main() {}
