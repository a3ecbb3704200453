// SPDX-License-Identifier: GPL-2.0-only
//! A network device to somewhere else: brought up, with an address and a way
//! out.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rex_protocol::{ErrorBody, NetDevice, NetUpParams};

use crate::net::{describe, failed, index, raise, request};

/// Brings a device up and gives it what it needs to be reached.
pub fn up(params: &NetUpParams) -> Result<NetDevice, ErrorBody> {
    let name = &params.name;
    let device = index(name)?;
    let address = params.address.as_deref().map(parse_address).transpose()?;
    let gateway = params.gateway.as_deref().map(parse_ip).transpose()?;
    raise(name)?;
    if let Some((address, prefix)) = address {
        add(
            name,
            RouteNetlinkMessage::NewAddress(address_message(device, address, prefix)),
        )?;
    }
    if let Some(gateway) = gateway {
        add(
            name,
            RouteNetlinkMessage::NewRoute(default_route(device, gateway)),
        )?;
    }
    describe(name)
}

fn add(name: &str, message: RouteNetlinkMessage) -> Result<(), ErrorBody> {
    let what = match message {
        RouteNetlinkMessage::NewAddress(_) => "address",
        _ => "route",
    };
    match request(message, NLM_F_CREATE | NLM_F_EXCL) {
        // It has been brought up before.
        Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        other => other.map_err(|error| failed(&format!("{name} can't have its {what}"), &error)),
    }
}

fn address_message(device: u32, address: Ipv4Addr, prefix: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = prefix;
    message.header.index = device;
    let address = IpAddr::V4(address);
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    message
}

fn default_route(device: u32, gateway: Ipv4Addr) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = AddressFamily::Inet;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes = vec![
        RouteAttribute::Gateway(RouteAddress::Inet(gateway)),
        RouteAttribute::Oif(device),
    ];
    message
}

/// "10.0.2.15/24"
fn parse_address(text: &str) -> Result<(Ipv4Addr, u8), ErrorBody> {
    let wrong = || ErrorBody::invalid(format!("{text:?} isn't an IPv4 address with its prefix"));
    let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
    let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
    if prefix > 32 {
        return Err(wrong());
    }
    Ok((parse_ip(address)?, prefix))
}

fn parse_ip(text: &str) -> Result<Ipv4Addr, ErrorBody> {
    text.parse()
        .map_err(|_| ErrorBody::invalid(format!("{text:?} isn't an IPv4 address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let address = Ipv4Addr::new(10, 0, 2, 15);
        assert_eq!(parse_address("10.0.2.15/24").unwrap(), (address, 24));
        for wrong in [
            "",
            "10.0.2.15",
            "10.0.2/24",
            "10.0.2.15/33",
            "10.0.2.15/-1",
            "::1/64",
        ] {
            assert!(parse_address(wrong).is_err(), "{wrong:?}");
        }
    }
}
