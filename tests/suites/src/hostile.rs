//! A registry that misbehaves as a test says, and the doors that must not be fooled by it.
//!
//! [`Server`] answers with whatever bytes at whatever pace and keeps what it was asked. [`Shelf`] is what a registry
//! in good order would answer for one signed image; a fault is a rule put before it. [`Doors`] asks our own program
//! about the image at each place where it could get in, and says how the program ended and how much memory it took.

mod doors;
mod reply;
mod scene;
mod server;
mod shelf;

pub use doors::{Answer, Door, Doors};
pub use reply::Reply;
pub use scene::{Case, Ends, Scene};
pub use server::{Seen, Server, Sink};
pub use shelf::{Image, Shelf};
