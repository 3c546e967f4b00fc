//! What kind of visitor a track is: staff, one of a group, somebody who was here a moment ago, somebody who walks by.

/// How visitors are told apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VisitorSettings {}
