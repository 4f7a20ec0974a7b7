//! policy-controller's own `policy-tester` and `sealgate check`, asked the same: policies × images, cell by cell.

mod case;
mod differences;
mod grid;
mod judges;
mod policies;
mod roots;
mod shelf;
