//! What makes the engine fast. Week 7's room.
