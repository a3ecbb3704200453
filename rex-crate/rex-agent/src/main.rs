// SPDX-License-Identifier: GPL-2.0-only
//! `rex-agent` is PID 1 of rex-test's guests. It sets the guest up, waits for
//! requests on a virtio-serial port, and does them.
//!
//! The way of a request: [`server`] reads it and gives it a thread, [`agent`]
//! implements each method with the modules below, [`outbox`] sends the answer.
//! Whatever keeps the agent from going on ends in [`death::die`]: the host gets
//! a verdict, and the guest powers off.
//!
//! Called as `/init load-trial` it is another program: [`trial`], which puts the
//! kernel's loader to the test from a process of its own. `/init hand-over` is
//! [`handover`]: processes that share an object.

mod agent;
mod boot;
mod capabilities;
mod console;
mod convert;
mod cpus;
mod death;
mod elements;
mod exec;
mod exits;
mod files;
mod filter;
mod folder;
mod handover;
mod hello;
mod holdings;
mod host_root;
mod inventory;
mod kallsyms;
mod kmsg;
mod net;
mod outbox;
mod packets;
mod port;
mod programs;
mod reaper;
mod registry;
mod renewal;
mod server;
mod text;
mod trace;
mod trial;
mod trigger;
mod uplink;
mod user;
mod workers;

use std::sync::Arc;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some(trial::NAME) => std::process::exit(trial::main()),
        Some(handover::NAME) => std::process::exit(handover::main()),
        _ => {}
    }
    if std::process::id() != 1 {
        eprintln!("rex-agent is the init of rex-test's guests: it runs as PID 1 only");
        std::process::exit(2);
    }
    death::install_panic_hook();
    if let Err(why) = boot::set_up() {
        death::die(&why);
    }
    let port = port::open().unwrap_or_else(|why| death::die(&why));
    let outbox = Arc::new(outbox::Outbox::new(port.writer));
    death::set_outbox(outbox.clone());
    let agent = agent::Agent::new(&outbox).unwrap_or_else(|why| death::die(&why));
    console::line(rex_protocol::READY_LINE.trim_start_matches(console::PREFIX));
    agent.say_hello();
    let why = server::serve(port.reader, &outbox, &Arc::new(agent));
    death::die(&why)
}
