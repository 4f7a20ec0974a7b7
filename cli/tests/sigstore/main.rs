//! The private Sigstore and three programs: what one of them signs with it, the others verify.

mod killed;
mod matrix;
mod parts;
mod race;
mod stage;
mod verdict;
