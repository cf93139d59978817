//! What the course's tests share.
