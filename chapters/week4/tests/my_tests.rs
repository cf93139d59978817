//! Your own tests of week 4. The pages suggest what to pin; nothing else looks at this file.
//!
//! Write them like those beside it: `use week4::Db;` and a function with `#[test]`.
