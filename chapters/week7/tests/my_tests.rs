//! Your own tests of week 7. The pages suggest what to pin; nothing else looks at this file.
//!
//! Write them like those beside it: `use week7::optimize::BloomFilterBuilder;` and a function with
//! `#[test]`.
