//! Your own tests of week 6. The pages suggest what to pin; nothing else looks at this file.
//!
//! Write them like those beside it: `use week6::merge::MergeOperator;` and a function with
//! `#[test]`.
