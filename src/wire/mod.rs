//! Messages as they go over the wire.
