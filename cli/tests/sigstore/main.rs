//! The private Sigstore and three programs: what one of them signs with it, the others verify.

mod matrix;
mod stage;
