//! Labelled packets through all stages: what comes in, what leaves, as diagrams.

mod forward;
