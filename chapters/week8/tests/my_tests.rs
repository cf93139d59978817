//! Your own tests of week 8. The pages suggest what to pin; nothing else looks at this file.
//!
//! Write them like those beside it: `use week8::compaction::SizeTieredCompactionScheduler;` and a function with
//! `#[test]`.
