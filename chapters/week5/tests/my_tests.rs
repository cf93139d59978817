//! Your own tests of week 5. The pages suggest what to pin; nothing else looks at this file.
//!
//! Write them like those beside it: `use week5::iter::MergeIterator;` and a function with `#[test]`.
