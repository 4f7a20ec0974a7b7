//! Is that enough for this image?
