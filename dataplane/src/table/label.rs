//! Label stacks to be pushed, and what a tunnel does to TTL and marks.

use std::fmt;

/// Up to eight labels, outermost first.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    /// Three bytes each, big end first: an entry of a table stays short.
    bytes: [[u8; 3]; Labels::MOST],
    len: u8,
}

impl Labels {
    /// How many labels one entry can put on.
    pub const MOST: usize = 8;

    /// These labels, outermost first; `None` for more than [`Labels::MOST`], or one
    /// above 1,048,575.
    pub fn new(labels: &[u32]) -> Option<Self> {
        let mut bytes = [[0; 3]; Self::MOST];
        for (i, label) in labels.iter().enumerate() {
            let [0, a @ 0..16, b, c] = label.to_be_bytes() else { return None };
            *bytes.get_mut(i)? = [a, b, c];
        }
        Some(Self { bytes, len: labels.len() as u8 })
    }

    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The label, where it is one.
    #[inline(always)]
    pub const fn only(&self) -> Option<u32> {
        let [a, b, c] = self.bytes[0];
        if self.len == 1 { Some(u32::from_be_bytes([0, a, b, c])) } else { None }
    }

    /// Each label, outermost first.
    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + '_ {
        let used = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        used.iter().map(|[a, b, c]| u32::from_be_bytes([0, *a, *b, *c]))
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What a tunnel does to the TTL (RFC 3443 section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TtlModel {
    /// The hops of the tunnel count for its contents.
    #[default]
    Uniform,
    /// The tunnel is one hop for its contents.
    Pipe,
}

/// What a tunnel does to the marks (RFC 3270 section 2.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DiffServModel {
    /// The label's mark becomes that of the contents.
    Uniform,
    /// The contents keep their mark; at the end they are treated by the label's.
    #[default]
    Pipe,
    /// The contents keep their mark; at the end they are treated by it.
    ShortPipe,
}

/// What a tunnel's labels take over when they are put on, and leave behind when
/// they are taken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TunnelModel {
    /// Of the TTL.
    pub ttl: TtlModel,
    /// Of DSCP and traffic class.
    pub diffserv: DiffServModel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_labels_of_twenty_bits_and_no_more() {
        let labels = [0, 1, 15, 16, 30_012, 0x12345, 0xf_fffe, 0xf_ffff];
        let stack = Labels::new(&labels).unwrap();
        assert_eq!(stack.iter().collect::<Vec<_>>(), labels);
        assert_eq!(stack.len(), 8);
        assert!(Labels::new(&[0x10_0000]).is_none());
        assert!(Labels::new(&[16; 9]).is_none());
        assert!(Labels::new(&[]).unwrap().is_empty());
    }
}
