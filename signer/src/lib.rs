//! Image and key to a signature stored beside the image.
