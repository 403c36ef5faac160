//! The command `tipstaff`.
fn main() {}
