//! The Docker host's door: an image is judged first, and the daemon is told to pull exactly what was judged.

mod daemon;
mod docker_host;
mod events;
mod to_layout;

pub use daemon::{Daemon, DaemonError};
pub use docker_host::{DockerHost, DockerHostError, Wanted};
pub use events::{Event, Transcript};
pub use to_layout::{CopyError, copy_to_layout};
