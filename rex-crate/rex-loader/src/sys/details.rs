// SPDX-License-Identifier: GPL-2.0-only
//! What the kernel says of things that have ids.

/// The kinds of things that have ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// Programs.
    Program,
    /// Maps.
    Map,
    /// Links.
    Link,
    /// Type information.
    Btf,
}

impl IdKind {
    /// What a message calls one.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            IdKind::Program => "program",
            IdKind::Map => "map",
            IdKind::Link => "link",
            IdKind::Btf => "BTF object",
        }
    }
}

/// What the kernel says of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramDetails {
    /// enum bpf_prog_type.
    pub program_type: u32,
    /// The id.
    pub id: u32,
    /// At most 15 bytes.
    pub name: String,
    /// Digest of the program.
    pub tag: [u8; 8],
    /// Bytes of machine code.
    pub jited_bytes: u32,
    /// Maps it uses, the first 64.
    pub map_ids: Vec<u32>,
    /// Runs, while statistics are on.
    pub run_count: u64,
    /// Time of these runs.
    pub run_time_ns: u64,
    /// Runs that were skipped.
    pub recursion_misses: u64,
}

/// What the kernel says of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapDetails {
    /// enum bpf_map_type.
    pub map_type: u32,
    /// The id.
    pub id: u32,
    /// At most 15 bytes.
    pub name: String,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// How many elements it can hold.
    pub max_entries: u32,
    /// BPF_F_*.
    pub flags: u32,
}

/// What the kernel says of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkDetails {
    /// enum bpf_link_type.
    pub link_type: u32,
    /// The id.
    pub id: u32,
    /// Its program's id.
    pub program_id: u32,
    /// Where it attaches.
    pub place: LinkedTo,
}

/// Where the kernel says that a link attaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkedTo {
    /// Of a type that is not looked into.
    #[default]
    Other,
    /// A network device, by its number: 0 once it is detached.
    Device(u32),
    /// A kernel function.
    Function {
        /// Its name.
        symbol: String,
        /// Bytes after its start.
        offset: u32,
        /// At its return.
        ret: bool,
        /// Hits that did not get to the program.
        missed: u64,
        /// What the attacher gave it.
        cookie: u64,
    },
    /// A tracepoint.
    Tracepoint {
        /// Its name, without the category.
        name: String,
        /// What the attacher gave it.
        cookie: u64,
    },
    /// A perf event.
    Counter {
        /// enum perf_type_id.
        event_type: u32,
        /// Which of that type.
        config: u64,
        /// What the attacher gave it.
        cookie: u64,
    },
}
