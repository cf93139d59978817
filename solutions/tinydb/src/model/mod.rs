//! What the engine means: the executable specification. Week 2's room.

pub mod merge;
pub mod scan;
