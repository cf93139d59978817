//! Your own tests of week 2. The pages suggest what to pin; nothing else looks at this file.
//!
//! Write them like those beside it: `use week2::model::Model;` and a function with `#[test]`.
