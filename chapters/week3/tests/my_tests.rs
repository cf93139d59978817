//! Your own tests of week 3. The pages suggest what to pin; nothing else looks at this file.
//!
//! Write them like those beside it: `use week3::storage::MemTable;` and a function with `#[test]`.
