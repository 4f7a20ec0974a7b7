//! Is this signature genuine, by whom, over what?
