//! The routes to one prefix, in order of preference.

use super::target::TargetId;
use super::{NEVER, Source};

/// One route to a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it leads to.
    pub target: TargetId,
    /// Its administrative distance.
    pub distance: u8,
    /// Where it comes from.
    pub source: Source,
}

/// The routes to one prefix, most preferred first. Nearly always one.
#[derive(Clone, Debug)]
pub(super) enum Candidates {
    One(Candidate),
    Many(Box<[Candidate]>),
}

impl Candidates {
    pub(super) fn all(&self) -> &[Candidate] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    pub(super) fn usable(&self) -> impl Iterator<Item = &Candidate> {
        self.all().iter().filter(|c| c.distance != NEVER)
    }

    pub(super) fn with(&self, candidate: Candidate) -> Self {
        let mut all = self.all().to_vec();
        let at = all.partition_point(|c| (c.distance, c.source) < (candidate.distance, candidate.source));
        all.insert(at, candidate);
        Self::Many(all.into())
    }

    pub(super) fn without(&self, at: usize) -> Option<Self> {
        let mut all = self.all().to_vec();
        all.remove(at);
        match all.as_slice() {
            [] => None,
            [one] => Some(Self::One(*one)),
            _ => Some(Self::Many(all.into())),
        }
    }
}
