//! Picks, merges and retires SSTs. Week 8's room, with [`object_store`](crate::object_store).
