//! Flags that several commands share.

pub(crate) mod against;
pub(crate) mod annotations;
pub(crate) mod boolean;
pub(crate) mod certificates;
pub(crate) mod duration;
pub(crate) mod expected;
pub(crate) mod format;
pub(crate) mod identity;
pub(crate) mod login;
pub(crate) mod policy;
pub(crate) mod predicate;
pub(crate) mod registry;
pub(crate) mod repository;
pub(crate) mod scripts;
pub(crate) mod services;
pub(crate) mod signing;
pub(crate) mod trust;
pub(crate) mod variables;
