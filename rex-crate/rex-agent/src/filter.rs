// SPDX-License-Identifier: GPL-2.0-only
//! Programs as tc filters, by rtnetlink: the older way to have one judge the
//! packets of a device. No link holds them; they stay until they are removed, or
//! the device is.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{
    TcAttribute, TcBpfFlags, TcFilterBpf, TcFilterBpfOption, TcHandle, TcMessage, TcOption,
};
use nix::errno::Errno;
use rex_loader::Program;
use rex_protocol::{Empty, ErrorBody, FilterAddParams, FilterRemoveParams, TcDirection};

use crate::net::{failed, index, request};

/// TC_H_MIN_INGRESS and TC_H_MIN_EGRESS of linux/pkt_sched.h.
const INGRESS: u16 = 0xfff2;
const EGRESS: u16 = 0xfff3;
/// TC_H_CLSACT's major number.
const CLSACT: u16 = 0xffff;
/// ETH_P_ALL: filters for packets of every protocol.
const EVERY_PROTOCOL: u16 = 0x0003;
/// There is one filter for each priority, so all have the same handle.
const HANDLE: TcHandle = TcHandle { major: 0, minor: 1 };

/// Adds a filter, or changes its program.
pub fn add(params: &FilterAddParams, program: &Program) -> Result<Empty, ErrorBody> {
    let what = format!(
        "program {} can't filter what goes through {}",
        program.record.name, params.device
    );
    add_clsact(&params.device)?;
    let mut filter = message(&params.device, params.direction, params.priority)?;
    let fd = program.as_fd().as_raw_fd().cast_unsigned();
    let options = [
        TcFilterBpfOption::ProgFd(fd),
        TcFilterBpfOption::ProgName(program.record.name.clone()),
        TcFilterBpfOption::Flags(TcBpfFlags::DirectAction),
    ];
    filter.attributes.push(TcAttribute::Options(
        options.into_iter().map(TcOption::Bpf).collect(),
    ));
    let flags = match params.replace {
        Some(true) => NLM_F_CREATE,
        _ => NLM_F_CREATE | NLM_F_EXCL,
    };
    request(RouteNetlinkMessage::NewTrafficFilter(filter), flags)
        .map_err(|error| failed(&what, &error))?;
    Ok(Empty {})
}

/// Removes a filter.
pub fn remove(params: &FilterRemoveParams) -> Result<Empty, ErrorBody> {
    let filter = message(&params.device, params.direction, params.priority)?;
    request(RouteNetlinkMessage::DelTrafficFilter(filter), 0).map_err(|error| {
        let what = format!("the filter can't be removed from {}", params.device);
        failed(&what, &error)
    })?;
    Ok(Empty {})
}

/// Where filters are put, if the device has none yet.
fn add_clsact(device: &str) -> Result<(), ErrorBody> {
    let mut qdisc = of_device(device)?;
    qdisc.header.handle = TcHandle {
        major: CLSACT,
        minor: 0,
    };
    qdisc.header.parent = TcHandle {
        major: CLSACT,
        minor: 0xfff1,
    };
    qdisc.attributes.push(TcAttribute::Kind("clsact".into()));
    let added = request(
        RouteNetlinkMessage::NewQueueDiscipline(qdisc),
        NLM_F_CREATE | NLM_F_EXCL,
    );
    match added {
        Err(error) if !is_there(&error) => Err(failed(
            &format!("{device} can't get a clsact qdisc"),
            &error,
        )),
        _ => Ok(()),
    }
}

fn is_there(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EEXIST as i32)
}

fn of_device(device: &str) -> Result<TcMessage, ErrorBody> {
    let number = index(device)?;
    let number = i32::try_from(number)
        .map_err(|_| ErrorBody::internal(format!("the number of {device} is {number}")))?;
    Ok(TcMessage::with_index(number))
}

fn message(
    device: &str,
    direction: TcDirection,
    priority: Option<u16>,
) -> Result<TcMessage, ErrorBody> {
    let mut filter = of_device(device)?;
    filter.header.handle = HANDLE;
    filter.header.parent = TcHandle {
        major: CLSACT,
        minor: match direction {
            TcDirection::Ingress => INGRESS,
            TcDirection::Egress => EGRESS,
        },
    };
    // TC_H_MAKE(priority << 16, htons(protocol))
    filter.header.info = u32::from(priority.unwrap_or(1)) << 16 | u32::from(EVERY_PROTOCOL.to_be());
    filter
        .attributes
        .push(TcAttribute::Kind(TcFilterBpf::KIND.into()));
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_its_place() {
        let filter = message("lo", TcDirection::Egress, Some(7)).unwrap();
        assert_eq!(u32::from(filter.header.parent), 0xffff_fff3);
        assert_eq!(filter.header.info, 7 << 16 | 0x0300);
        assert!(message("no-such-device", TcDirection::Ingress, None).is_err());
    }
}
