//! AdmissionReview in, AdmissionReview out.
