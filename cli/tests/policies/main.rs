//! The policies that policy-controller tests itself with, unchanged but for keys, addresses and names, about images
//! signed by real cosign: `sealgate check` says of each image what the policy was written to say.

mod corpus;
mod judged;
mod objects;
mod shelf;
mod signing;
mod table;
