//! The small integers by which tables, frames and counters name one another.
//!
//! Each is an index into one table of a [`Snapshot`](crate::table::Snapshot) and
//! means nothing outside it, except where a text says that it stays stable
//! across generations.

macro_rules! id {
    ($(#[$meta:meta])* $name:ident($repr:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);

        impl $name {
            /// No such thing: the value of a field that nothing has filled in.
            pub const NONE: Self = Self(<$repr>::MAX);

            /// The id as an index.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// Whether this names something.
            #[inline]
            pub const fn is_some(self) -> bool {
                self.0 != <$repr>::MAX
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::NONE
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                if self.is_some() { self.0.fmt(f) } else { f.write_str("-") }
            }
        }
    };
}

id! {
    /// A port: where frames enter or leave. Stable while the port is configured.
    PortIndex(u16)
}
id! {
    /// A logical interface on a port. Stable while the interface is configured.
    IfIndex(u32)
}
id! {
    /// One community's routing world (RFC 4364). Stable while it is configured.
    VrfId(u16)
}
id! {
    /// A next-hop label forwarding entry (RFC 3031 section 3.10).
    NhlfeId(u32)
}
id! {
    /// An adjacency: interface, neighbour and layer-2 header.
    AdjacencyId(u32)
}
id! {
    /// A worker: one core's forwarding loop; also the home of a frame's buffer.
    WorkerIndex(u8)
}
