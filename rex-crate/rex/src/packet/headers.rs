// SPDX-License-Identifier: GPL-2.0-only
//! Headers of packets, with the names of the kernel's uapi headers.
//!
//! They are `packed`, so that a reference to one may point anywhere in a
//! packet. Fields are read and written as always; only a reference to a field
//! of more than a byte is refused by the compiler, in `println!("{}",
//! ip.tot_len)` too: write `{ ip.tot_len }` there. Numbers are big-endian, as
//! in the packet.

use core::ops::{Deref, DerefMut};

/// Ethernet.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, packed)]
pub struct ethhdr {
    /// Hardware address of the receiver.
    pub h_dest: [u8; 6],
    /// Hardware address of the sender.
    pub h_source: [u8; 6],
    /// `ETH_P_*`.
    pub h_proto: u16,
}

/// IPv4, without options.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, packed)]
pub struct iphdr {
    version_ihl: u8,
    /// Type of service.
    pub tos: u8,
    /// Bytes of the packet, this header included.
    pub tot_len: u16,
    /// Identification.
    pub id: u16,
    /// Flags and offset of a fragment.
    pub frag_off: u16,
    /// Time to live.
    pub ttl: u8,
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// Checksum of the header.
    pub check: u16,
    /// Address of the sender.
    pub saddr: u32,
    /// Address of the receiver.
    pub daddr: u32,
}

impl iphdr {
    /// 4.
    pub fn version(&self) -> u8 {
        self.version_ihl >> 4
    }

    /// Sets the version.
    pub fn set_version(&mut self, version: u8) {
        self.version_ihl = version << 4 | self.version_ihl & 0xf;
    }

    /// Length of the header in units of 4 bytes, options included.
    pub fn ihl(&self) -> u8 {
        self.version_ihl & 0xf
    }

    /// Sets the length of the header.
    pub fn set_ihl(&mut self, ihl: u8) {
        self.version_ihl = self.version_ihl & 0xf0 | ihl & 0xf;
    }

    /// Address of the sender, to read and to change through the result.
    pub fn saddr(&mut self) -> Unaligned<'_> {
        Unaligned::new(&mut self.bytes_mut()[12..16])
    }

    /// Address of the receiver, to read and to change through the result.
    pub fn daddr(&mut self) -> Unaligned<'_> {
        Unaligned::new(&mut self.bytes_mut()[16..20])
    }

    /// Bytes of the header, options included; what is shorter than a header
    /// can be is taken for one without options.
    pub(crate) fn header_bytes(&self) -> usize {
        (usize::from(self.ihl()) * 4).max(size_of::<Self>())
    }

    fn bytes_mut(&mut self) -> &mut [u8; 20] {
        const { assert!(size_of::<Self>() == 20) };
        // SAFETY: the same size, no padding, and any bytes are a header.
        unsafe { &mut *core::ptr::from_mut(self).cast() }
    }
}

/// Makes the checksum field 0 and gives what belongs into it:
/// `ip.check = compute_ip_checksum(ip)`. For headers without options.
pub fn compute_ip_checksum(ip: &mut iphdr) -> u16 {
    ip.check = 0;
    let mut sum = 0u32;
    for word in ip.bytes_mut().as_chunks::<2>().0 {
        // In the packet's order: the sum is then in that order too.
        sum += u32::from(u16::from_ne_bytes(*word));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

macro_rules! tcp_flags {
    ($($name:ident $set:ident $bit:literal)*) => {$(
        #[doc = concat!("Flag ", stringify!($name), ": 0 or 1.")]
        pub fn $name(&self) -> u16 {
            u16::from(self.flags >> $bit & 1)
        }

        #[doc = concat!("Sets flag ", stringify!($name), " to 0 or 1.")]
        pub fn $set(&mut self, value: u16) {
            self.flags = self.flags & !(1 << $bit) | ((value & 1) as u8) << $bit;
        }
    )*};
}

/// TCP, without options.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, packed)]
pub struct tcphdr {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub dest: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledged sequence number.
    pub ack_seq: u32,
    doff_res: u8,
    flags: u8,
    /// Bytes that the sender takes.
    pub window: u16,
    /// Checksum of header and data.
    pub check: u16,
    /// End of the urgent data.
    pub urg_ptr: u16,
}

impl tcphdr {
    /// Length of the header in units of 4 bytes, options included.
    pub fn doff(&self) -> u16 {
        u16::from(self.doff_res >> 4)
    }

    /// Sets the length of the header.
    pub fn set_doff(&mut self, doff: u16) {
        self.doff_res = self.doff_res & 0xf | (doff as u8) << 4;
    }

    tcp_flags! {
        fin set_fin 0
        syn set_syn 1
        rst set_rst 2
        psh set_psh 3
        ack set_ack 4
        urg set_urg 5
        ece set_ece 6
        cwr set_cwr 7
    }
}

/// UDP.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, packed)]
pub struct udphdr {
    /// Port of the sender.
    pub source: u16,
    /// Port of the receiver.
    pub dest: u16,
    /// Bytes of header and data.
    pub len: u16,
    /// Checksum of header and data, or 0.
    pub check: u16,
}

/// Four bytes of a packet as a number, written back when it was changed.
pub struct Unaligned<'a> {
    place: &'a mut [u8; 4],
    copy: u32,
}

impl<'a> Unaligned<'a> {
    fn new(bytes: &'a mut [u8]) -> Self {
        let place: &mut [u8; 4] = bytes.try_into().expect("four bytes");
        let copy = u32::from_ne_bytes(*place);
        Self { place, copy }
    }
}

impl Deref for Unaligned<'_> {
    type Target = u32;

    fn deref(&self) -> &u32 {
        &self.copy
    }
}

impl DerefMut for Unaligned<'_> {
    fn deref_mut(&mut self) -> &mut u32 {
        &mut self.copy
    }
}

impl Drop for Unaligned<'_> {
    fn drop(&mut self) {
        *self.place = self.copy.to_ne_bytes();
    }
}
