//! Your own tests of week 1. The pages suggest what to pin; nothing else looks at this file.
//!
//! Write them like those beside it: `use week1::format::Block;` and a function with `#[test]`.
