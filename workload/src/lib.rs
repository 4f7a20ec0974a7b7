//! Which images does this Kubernetes object run?
