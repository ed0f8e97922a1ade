//! What Rollbook decides.
