// SPDX-License-Identifier: GPL-2.0-only
//! Network devices, by rtnetlink.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;
use rex_loader::Errno;
use rex_protocol::{
    Blame, Empty, ErrorBody, ErrorKind, NetDevice, NetRemoveParams, VethAddParams, VethAddResult,
};

use crate::text::read_text;

/// Bytes of a device's name, without NUL.
const MAX_NAME: usize = 15;

/// Makes a pair of devices of which each receives what the other sends.
pub fn add_veth(params: &VethAddParams) -> Result<VethAddResult, ErrorBody> {
    for name in [&params.name, &params.peer] {
        check_name(name)?;
    }
    let what = format!("the pair {} and {} can't be made", params.name, params.peer);
    let mut link = named(&params.name);
    link.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(named(&params.peer)))),
    ]));
    let flags = NLM_F_CREATE | NLM_F_EXCL;
    request(RouteNetlinkMessage::NewLink(link), flags).map_err(|error| failed(&what, &error))?;
    // Only now: an end can't be up before it knows the other one.
    for name in [&params.name, &params.peer] {
        raise(name)?;
    }
    Ok(VethAddResult {
        device: describe(&params.name)?,
        peer: describe(&params.peer)?,
    })
}

/// Brings a device up.
pub fn raise(name: &str) -> Result<(), ErrorBody> {
    let mut link = named(name);
    link.header.flags = LinkFlags::Up;
    link.header.change_mask = LinkFlags::Up;
    request(RouteNetlinkMessage::NewLink(link), 0)
        .map_err(|error| failed(&format!("{name} can't be brought up"), &error))
}

/// Removes a device.
pub fn remove(params: &NetRemoveParams) -> Result<Empty, ErrorBody> {
    check_name(&params.name)?;
    let link = named(&params.name);
    let what = format!("{} can't be removed", params.name);
    request(RouteNetlinkMessage::DelLink(link), 0).map_err(|error| failed(&what, &error))?;
    Ok(Empty {})
}

/// The number of a device.
pub fn index(name: &str) -> Result<u32, ErrorBody> {
    check_name(name)?;
    let text = read_text(&format!("/sys/class/net/{name}/ifindex"), 64)
        .map_err(|_| ErrorBody::not_found(format!("there is no network device {name}")))?;
    let number = text.trim().parse();
    number.map_err(|_| ErrorBody::internal(format!("the number of {name} is {text:?}")))
}

/// What there is to say of a device.
pub fn describe(name: &str) -> Result<NetDevice, ErrorBody> {
    let mac = read_text(&format!("/sys/class/net/{name}/address"), 64)
        .map_err(|error| ErrorBody::internal(format!("the address of {name}: {error}")))?;
    Ok(NetDevice {
        name: name.to_string(),
        index: index(name)?,
        mac: mac.trim().to_string(),
    })
}

/// It goes to the kernel, and into a path below /sys.
pub fn check_name(name: &str) -> Result<(), ErrorBody> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with('.') || !name.chars().all(plain)
    {
        let message = format!("{name:?} isn't the name of a network device");
        return Err(ErrorBody::invalid(message));
    }
    Ok(())
}

fn named(name: &str) -> LinkMessage {
    let mut link = LinkMessage::default();
    let name = LinkAttribute::IfName(name.to_string());
    link.attributes.push(name);
    link
}

/// Sends one request and waits for the kernel's yes or no, which comes while
/// the request is sent.
pub fn request(message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);

    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.send(&bytes, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
        .map_err(|error| io::Error::other(error.to_string()))?;
    match answer.payload {
        NetlinkPayload::Error(error) => match error.code {
            None => Ok(()),
            Some(_) => Err(error.to_io()),
        },
        other => Err(io::Error::other(format!("the kernel answered {other:?}"))),
    }
}

pub fn failed(what: &str, error: &io::Error) -> ErrorBody {
    let message = format!("{what}: {error}");
    match error.raw_os_error() {
        Some(errno) => ErrorBody {
            errno: Some(errno),
            errno_name: Some(Errno(errno).name()),
            ..ErrorBody::new(ErrorKind::Errno, Blame::Caller, message)
        },
        None => ErrorBody::internal(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_none() {
        for name in ["veth0", "lo", "a.b-c_d", "abcdefghijklmno"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "..", ".hidden", "a/b", "a b", "abcdefghijklmnop", "a\0"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert!(index("../../x").is_err());
        assert_eq!(
            index("no-such-device").unwrap_err().kind,
            ErrorKind::NotFound
        );
    }
}
