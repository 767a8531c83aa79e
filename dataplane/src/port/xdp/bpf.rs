//! The redirect program, loaded and attached by bpf(2).
//!
//! Six instructions: look up the receive queue in a map of sockets and hand the
//! frame to that socket, or pass it to the kernel where there is none. It is
//! attached by a link, which the kernel undoes when its descriptor closes, so
//! that not even a killed router leaves a program behind.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const MAP_CREATE: libc::c_long = 0;
const MAP_UPDATE: libc::c_long = 2;
const PROG_LOAD: libc::c_long = 5;
const LINK_CREATE: libc::c_long = 28;
const MAP_TYPE_XSKMAP: u32 = 17;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
/// The program can be given frames in several buffers (`BPF_F_XDP_HAS_FRAGS`).
const HAS_FRAGS: u32 = 1 << 5;
/// `XDP_FLAGS_SKB_MODE` and `XDP_FLAGS_DRV_MODE` (linux/if_link.h).
const GENERIC: u32 = 1 << 1;
const NATIVE: u32 = 1 << 2;

/// The parts of `union bpf_attr` that are used here.
#[repr(C)]
#[derive(Default)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
}

#[repr(C)]
#[derive(Default)]
struct MapUpdate {
    map: u32,
    _pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    prog_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
}

#[repr(C)]
#[derive(Default)]
struct LinkCreate {
    prog: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
}

/// One of the structures above: plain integers, laid out as the kernel's.
trait Attribute {}
impl Attribute for MapCreate {}
impl Attribute for MapUpdate {}
impl Attribute for ProgLoad {}
impl Attribute for LinkCreate {}

/// # Safety
/// `attribute` must be the one `command` takes, and addresses in it must be of
/// what the command reads, alive through the call.
unsafe fn bpf<T: Attribute>(command: libc::c_long, attribute: &T) -> io::Result<i32> {
    // SAFETY: the caller's promise; the kernel reads `size_of::<T>()` bytes.
    let returned = unsafe { libc::syscall(libc::SYS_bpf, command, attribute, size_of::<T>()) };
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned as i32) }
}

fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the descriptor is new and nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn number(fd: &OwnedFd) -> u32 {
    fd.as_raw_fd() as u32
}

/// The sockets by receive queue.
#[derive(Debug)]
pub(super) struct SocketMap(OwnedFd);

impl SocketMap {
    /// A map for `queues` queues.
    pub(super) fn new(queues: u32) -> io::Result<Self> {
        let create = MapCreate { map_type: MAP_TYPE_XSKMAP, key_size: 4, value_size: 4, max_entries: queues };
        // SAFETY: the structure is the command's, and holds no address.
        unsafe { bpf(MAP_CREATE, &create) }.map(|fd| Self(owned(fd)))
    }

    /// From now on, what `queue` receives goes to `socket`.
    pub(super) fn set(&self, queue: u32, socket: &OwnedFd) -> io::Result<()> {
        let value = number(socket);
        let update = MapUpdate {
            map: number(&self.0),
            key: (&raw const queue) as u64,
            value: (&raw const value) as u64,
            ..MapUpdate::default()
        };
        // SAFETY: the structure is the command's; both addresses are of integers that live through the call.
        unsafe { bpf(MAP_UPDATE, &update) }.map(drop)
    }
}

/// One instruction as the kernel encodes it: code, registers, offset, immediate.
const fn instruction(code: u8, registers: u8, offset: i16, immediate: i32) -> u64 {
    (code as u64) | (registers as u64) << 8 | (offset as u16 as u64) << 16 | (immediate as u32 as u64) << 32
}

/// Loads the redirect program over `map`.
pub(super) fn load(map: &SocketMap, frags: bool) -> io::Result<OwnedFd> {
    const RX_QUEUE_INDEX: i16 = 16;
    const PASS: i32 = 2;
    const REDIRECT_MAP: i32 = 51;
    let program = [
        instruction(0x61, 0x12, RX_QUEUE_INDEX, 0), // r2 = context.rx_queue_index
        instruction(0x18, 0x11, 0, map.0.as_raw_fd()), // r1 = the map,
        instruction(0, 0, 0, 0),                    //      both halves
        instruction(0xb7, 0x03, 0, PASS),           // r3 = what to answer without an entry
        instruction(0x85, 0, 0, REDIRECT_MAP),      // r0 = redirect_map(r1, r2, r3)
        instruction(0x95, 0, 0, 0),                 // exit
    ];
    let load = ProgLoad {
        prog_type: PROG_TYPE_XDP,
        instruction_count: program.len() as u32,
        instructions: program.as_ptr() as u64,
        license: c"MIT/Apache".as_ptr() as u64,
        flags: if frags { HAS_FRAGS } else { 0 },
        name: *b"viaduct_redirec\0",
        attach_type: ATTACH_XDP,
        ..ProgLoad::default()
    };
    // SAFETY: the structure is the command's; program and licence live through the call.
    unsafe { bpf(PROG_LOAD, &load) }.map(owned)
}

/// Attaches `program` to the device of that index until what is given closes.
pub(super) fn attach(program: &OwnedFd, index: u32, native: bool) -> io::Result<OwnedFd> {
    let flags = if native { NATIVE } else { GENERIC };
    let create = LinkCreate { prog: number(program), interface: index, attach_type: ATTACH_XDP, flags };
    // SAFETY: the structure is the command's, and holds no address.
    unsafe { bpf(LINK_CREATE, &create) }.map(owned)
}
