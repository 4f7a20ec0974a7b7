//! Variables that decide whom to trust: each is named where it does, since no command line shows it.

use std::{env, ffi::OsStr};

use crate::output;

/// Says that trust comes from this variable, if what is used is what the environment has.
pub(crate) fn announce(name: &str, used: impl AsRef<OsStr>) {
    let used = used.as_ref();
    if env::var_os(name).is_some_and(|value| value == used) {
        let value = oci::excerpt(&used.to_string_lossy(), MAX_SHOWN);
        output::note(format_args!("trust comes from {name} in the environment: {value}"));
    }
}

const MAX_SHOWN: usize = 200;
