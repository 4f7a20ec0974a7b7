//! Flags that several commands share.

pub(crate) mod annotations;
pub(crate) mod boolean;
pub(crate) mod duration;
pub(crate) mod identity;
pub(crate) mod policy;
pub(crate) mod registry;
pub(crate) mod repository;
pub(crate) mod trust;
