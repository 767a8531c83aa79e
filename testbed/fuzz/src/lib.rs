//! What the fuzz targets do with their bytes. The same bodies run, bounded, in
//! the testbed's own tests.

pub mod config;
pub mod frames;
pub mod labels;
pub mod memif;
pub mod router;
