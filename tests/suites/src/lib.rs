//! What tests across crates share.

pub mod as_cosign;
pub mod hostile;
pub mod interrupter;
pub mod layout_loader;
pub mod sealgate;
pub mod shop;
pub mod signers;
pub mod small_image;
