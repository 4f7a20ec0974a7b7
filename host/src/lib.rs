//! docker pull, with the policy asked first.
