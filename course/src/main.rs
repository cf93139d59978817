//! `cargo course`: the commands of the TinyDB course.
fn main() {}
