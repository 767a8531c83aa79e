//! Incoming label → Nhlfe (RFC 3031 section 3.11).

use std::sync::Arc;

use crate::id::NhlfeId;

const PAGE_BITS: u32 = 10;
const PAGE: usize = 1 << PAGE_BITS;
const PAGES: usize = Ilm::LABELS >> PAGE_BITS;

type Page = Arc<[NhlfeId; PAGE]>;

/// What each of the 2^20 labels leads to. A lookup is one load from memory: the
/// spine of 8 KiB stays in cache. A page of 1,024 labels is paid for when one of
/// them is used. A clone costs one reference count and sees its own version for
/// ever; an edit of it copies the spine and one page.
#[derive(Clone, Debug, Default)]
pub struct Ilm {
    pages: Option<Arc<[Option<Page>; PAGES]>>,
    len: usize,
}

impl Ilm {
    /// How many labels there are.
    pub const LABELS: usize = 1 << 20;

    /// What `label` leads to; `NONE` where nothing is known of it.
    #[inline]
    pub fn get(&self, label: u32) -> NhlfeId {
        let (page, at) = place(label);
        match self.pages.as_ref().and_then(|pages| pages.get(page)?.as_ref()) {
            Some(entries) => entries[at],
            None => NhlfeId::NONE,
        }
    }

    /// Sets where `label` leads, which is not `NONE`; gives what it led to before.
    /// A label above 1,048,575 is left alone.
    pub fn set(&mut self, label: u32, nhlfe: NhlfeId) -> Option<NhlfeId> {
        let old = self.write(label, nhlfe)?;
        self.len += usize::from(!old.is_some());
        Some(old).filter(|old| old.is_some())
    }

    /// Takes `label` out; gives what it led to.
    pub fn remove(&mut self, label: u32) -> Option<NhlfeId> {
        let old = Some(self.get(label)).filter(|old| old.is_some())?;
        self.write(label, NhlfeId::NONE)?;
        self.len -= 1;
        let (page, _) = place(label);
        let unused = |p: &Option<Page>| p.as_ref().is_some_and(|p| p.iter().all(|n| !n.is_some()));
        if let Some(slot) = self.pages.as_mut().and_then(|pages| Arc::make_mut(pages).get_mut(page))
            && unused(slot)
        {
            *slot = None;
        }
        Some(old)
    }

    fn write(&mut self, label: u32, nhlfe: NhlfeId) -> Option<NhlfeId> {
        let (page, at) = place(label);
        let pages = self.pages.get_or_insert_with(|| Arc::new([const { None }; PAGES]));
        let slot = Arc::make_mut(pages).get_mut(page)?;
        let entries = Arc::make_mut(slot.get_or_insert_with(|| Arc::new([NhlfeId::NONE; PAGE])));
        Some(std::mem::replace(&mut entries[at], nhlfe))
    }

    /// Labels in use.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is in use.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Each label in use and what it leads to, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, NhlfeId)> + '_ {
        let pages = self.pages.iter().flat_map(|pages| pages.iter().enumerate());
        let used = pages.filter_map(|(p, page)| Some((p, page.as_ref()?)));
        let entries = used.flat_map(|(p, page)| {
            page.iter().enumerate().map(move |(i, nhlfe)| ((p << PAGE_BITS | i) as u32, *nhlfe))
        });
        entries.filter(|(_, nhlfe)| nhlfe.is_some())
    }

    /// Bytes of memory it takes, what it shares with clones included.
    pub fn memory(&self) -> usize {
        let pages = self.pages.iter().flat_map(|pages| pages.iter().flatten()).count();
        let spine = self.pages.iter().count() * PAGES * size_of::<Option<Page>>();
        size_of::<Self>() + spine + pages * (PAGE * size_of::<NhlfeId>() + 16)
    }
}

#[inline]
const fn place(label: u32) -> (usize, usize) {
    ((label >> PAGE_BITS) as usize, label as usize & (PAGE - 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_label_can_be_used_and_nothing_above() {
        let mut ilm = Ilm::default();
        assert!(ilm.memory() < 64);
        for label in 0..Ilm::LABELS as u32 {
            assert_eq!(ilm.set(label, NhlfeId(label ^ 0x5555)), None);
        }
        assert_eq!(ilm.len(), Ilm::LABELS);
        assert!((0..Ilm::LABELS as u32).all(|l| ilm.get(l) == NhlfeId(l ^ 0x5555)));
        assert_eq!(ilm.set(Ilm::LABELS as u32, NhlfeId(1)), None);
        assert_eq!(ilm.get(Ilm::LABELS as u32), NhlfeId::NONE);
        assert_eq!(ilm.remove(u32::MAX), None);
        // 4 bytes a label and the spine.
        assert!(ilm.memory() < 4 * Ilm::LABELS + 32 * 1024);
    }

    #[test]
    fn memory_is_paid_for_pages_in_use_and_given_back() {
        let mut ilm = Ilm::default();
        ilm.set(30_012, NhlfeId(1));
        let one = ilm.memory();
        ilm.set(30_013, NhlfeId(2));
        assert_eq!(ilm.memory(), one);
        ilm.set(500_000, NhlfeId(3));
        assert_eq!(ilm.memory() - one, 4 * 1024 + 16);
        assert_eq!(ilm.remove(500_000), Some(NhlfeId(3)));
        assert_eq!(ilm.memory(), one);
    }

    proptest! {
        #[test]
        fn it_is_a_map_whose_clones_stay(edits in prop::collection::vec((0u32..1 << 20, prop::option::of(0u32..9)), 0..64)) {
            let (mut ilm, mut oracle) = (Ilm::default(), BTreeMap::new());
            let mut before = Vec::new();
            for (label, value) in edits {
                // Few pages, so that labels meet.
                let label = label & 0xf_0c07;
                before.push((ilm.clone(), oracle.clone()));
                match value {
                    Some(n) => prop_assert_eq!(ilm.set(label, NhlfeId(n)), oracle.insert(label, NhlfeId(n))),
                    None => prop_assert_eq!(ilm.remove(label), oracle.remove(&label)),
                }
            }
            before.push((ilm, oracle));
            for (ilm, oracle) in before {
                prop_assert_eq!(ilm.len(), oracle.len());
                prop_assert_eq!(ilm.iter().collect::<Vec<_>>(), oracle.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
