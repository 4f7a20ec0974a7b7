//! The part of the CUE language that policies use, and data judged by it as CUE itself judges them: unified with the
//! policy, then validated. What is not supported is refused when a policy is loaded, by name and line. Pure: no file,
//! clock or environment; bounded: in size, depth and steps, with a typed error for whatever exceeds a limit.
//!
//! This evaluator is built never to say yes where CUE says no, and compared with CUE itself over generated and torn
//! policies. It says no where CUE says yes in two cases, and says which: where a policy computes with what is not
//! known, and where the outcome could depend on an order of evaluation.

mod bounds;
mod builtin;
mod error;
mod evaluate;
mod graph;
mod limits;
mod literal;
mod number;
mod parse;
mod policy;
mod regular;
mod resolve;
mod scan;
mod subset;
mod syntax;
mod time;
mod value;

pub use error::{Conflict, ConflictKind, Conflicts, CueError, Problem};
pub use policy::Policy;
