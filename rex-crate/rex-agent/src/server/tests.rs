// SPDX-License-Identifier: GPL-2.0-only

use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use proptest::prelude::*;
use rex_protocol::frame::write_frame;
use serde_json::{Value, json};

use super::*;
use crate::agent::Agent;

/// A host that talks to a real agent over a socket. The agent's threads stay
/// behind when the test has ended.
struct Host(UnixStream);

impl Host {
    fn new() -> Self {
        let (host, port) = UnixStream::pair().unwrap();
        host.set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let writer = OwnedFd::from(port.try_clone().unwrap());
        let outbox = Arc::new(Outbox::new(writer.into()));
        let agent = Arc::new(Agent::new(&outbox).unwrap());
        std::thread::spawn(move || serve(port, &outbox, &agent));
        Host(host)
    }

    fn send(&mut self, payload: &[u8]) {
        write_frame(&mut self.0, payload).unwrap();
    }

    fn request(&mut self, id: u64, method: &str, params: Value) {
        let request = json!({ "id": id, "method": method, "params": params });
        self.send(request.to_string().as_bytes());
    }

    fn receive(&mut self) -> Value {
        match read_frame(&mut self.0).unwrap() {
            Incoming::Frame(payload) => serde_json::from_slice(&payload).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_request_is_answered_whatever_came_before_it() {
    let mut host = Host::new();
    for bad in [
        &b""[..],
        b"x",
        b"\xff\xff",
        b"{}",
        b"[]",
        br#"{"id":null,"method":"ping"}"#,
    ] {
        host.send(bad);
        let answer = host.receive();
        assert!(
            answer["id"].is_null() && answer["error"]["kind"] == "invalid",
            "{answer}"
        );
    }
    let length = u32::try_from(MAX_FRAME_BYTES + 1).unwrap();
    host.0.write_all(&length.to_le_bytes()).unwrap();
    host.0.write_all(&vec![b'x'; length as usize]).unwrap();
    let answer = host.receive();
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("16777217"),
        "{answer}"
    );
    host.request(5, "ping", json!({}));
    assert_eq!(host.receive(), json!({ "id": 5, "result": {} }));
}

#[test]
fn errors_have_the_id_of_their_request() {
    let mut host = Host::new();
    for (method, params, kind) in [
        ("launch", json!({}), "not_found"),
        ("ping", json!({ "x": 1 }), "invalid"),
        ("load", json!({ "object": "!" }), "invalid"),
        ("load", json!({ "object": "Z2FyYmFnZQ==" }), "invalid"),
        ("unload", json!({ "object": 1 }), "not_found"),
        ("detach", json!({ "link": 1 }), "not_found"),
        ("mapGet", json!({ "map": 1, "key": "" }), "not_found"),
        ("trigger", json!({ "calls": [] }), "invalid"),
        ("sysrq", json!({ "key": "no" }), "invalid"),
        ("exec", json!({ "argv": [], "root": "guest" }), "invalid"),
        ("readFile", json!({ "path": "/nonexistent" }), "not_found"),
    ] {
        host.request(9, method, params.clone());
        let answer = host.receive();
        assert_eq!(
            (&answer["id"], &answer["error"]["kind"]),
            (&json!(9), &json!(kind)),
            "{answer}"
        );
    }
}

#[test]
fn blocked_requests_hold_up_nobody_and_are_bounded() {
    let mut host = Host::new();
    let blocked = json!({ "calls": [{ "syscall": "pause" }], "timeoutMs": 4_000 });
    let requests = MAX_REQUESTS as u64 + 3;
    for id in 0..requests {
        host.request(id, "trigger", blocked.clone());
    }
    host.request(1_000, "ping", json!({}));
    let mut kinds = Vec::new();
    let mut pinged_after = None;
    for _ in 0..=requests {
        let answer = host.receive();
        if answer["id"] == 1_000 {
            pinged_after = Some(kinds.len());
        } else {
            kinds.push(answer["error"]["kind"].as_str().unwrap().to_string());
        }
    }
    // The refused ones are answered at once, then the ping, then the others.
    assert_eq!(pinged_after, Some(3));
    assert_eq!(kinds.iter().filter(|kind| *kind == "busy").count(), 3);
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "timeout").count(),
        MAX_REQUESTS
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_frame_gets_one_answer(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..10)) {
        let mut host = Host::new();
        for payload in &payloads {
            host.send(payload);
        }
        host.request(77, "ping", json!({}));
        for _ in &payloads {
            prop_assert!(host.receive()["error"].is_object());
        }
        prop_assert_eq!(host.receive(), json!({ "id": 77, "result": {} }));
    }
}
