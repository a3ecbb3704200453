// SPDX-License-Identifier: GPL-2.0-only
//! What every message has around its content: requests, responses, errors and
//! events.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::messages::{Hello, KernelLog};
use crate::methods::Call;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ErrorKind {
    /// A system call failed; `errno` and `errnoName` say how.
    Errno,
    /// The request, or the object in it, isn't what it should be.
    Invalid,
    /// This kernel or this agent can't do that at all.
    Unsupported,
    /// No such handle, key, symbol, file or method.
    NotFound,
    /// It was begun and did not end in time.
    Timeout,
    /// Too many requests are under way.
    Busy,
    /// The agent's own mistake.
    Internal,
}

/// Who has to change something for the error to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Blame {
    /// Whoever made the request.
    Caller,
    /// The program object.
    Object,
    /// The kernel, or how it is configured.
    Kernel,
    /// The agent or its loader.
    Agent,
}

/// Why a request failed.
#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct ErrorBody {
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    /// Who has to change something.
    pub blame: Blame,
    /// A sentence for a person.
    pub message: String,
    /// The number, with kind `errno`, `unsupported` or `not_found`, when a
    /// system call gave one.
    pub errno: Option<i32>,
    /// Its name, such as `EACCES`.
    pub errno_name: Option<String>,
    /// What the kernel wrote to `log_buf`.
    pub log: Option<String>,
}

impl ErrorBody {
    /// An error without an errno.
    pub fn new(kind: ErrorKind, blame: Blame, message: impl Into<String>) -> Self {
        ErrorBody {
            kind,
            blame,
            message: message.into(),
            errno: None,
            errno_name: None,
            log: None,
        }
    }

    /// The caller asked for something that makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, Blame::Caller, message)
    }

    /// The caller named something that isn't there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, Blame::Caller, message)
    }

    /// The agent's own mistake.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, Blame::Agent, message)
    }
}

/// The answer to a request.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// It was done.
    Done {
        /// The request's id.
        id: u64,
        /// The method's result.
        result: Box<RawValue>,
    },
    /// It failed.
    Failed {
        /// The request's id; null when the request had none that could be read.
        id: Option<u64>,
        /// Why.
        error: Box<ErrorBody>,
    },
}

/// What the agent sends unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "params", rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Event {
    /// The first message: who is there.
    Hello(Hello),
    /// New records of the kernel log.
    Log(KernelLog),
    /// The agent can't go on and powers the guest off.
    Dying {
        /// Why, in a sentence.
        reason: String,
    },
}

/// The largest request id: what a JavaScript number holds exactly.
pub const MAX_REQUEST_ID: u64 = (1 << 53) - 1;

#[derive(Deserialize)]
struct RawRequest<'a> {
    id: Option<u64>,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OnlyId {
    id: u64,
}

/// Reads a request out of a frame's payload.
///
/// # Errors
/// The response to send instead, with the request's id where it could be read.
pub fn parse_request(payload: &[u8]) -> Result<(u64, Call), Response> {
    let fail = |id: Option<u64>, error: ErrorBody| Response::Failed {
        id,
        error: Box::new(error),
    };
    let text = std::str::from_utf8(payload).map_err(|error| {
        fail(
            None,
            ErrorBody::invalid(format!("the message isn't UTF-8: {error}")),
        )
    })?;
    // An array of a structure's fields would be read as one.
    let is_object = |text: &str| text.trim_start().starts_with('{');
    if !is_object(text) {
        let message = "the message isn't a request: it is no object";
        return Err(fail(None, ErrorBody::invalid(message)));
    }
    let raw: RawRequest = serde_json::from_str(text).map_err(|error| {
        let id = serde_json::from_str::<OnlyId>(text)
            .ok()
            .map(|only| only.id);
        fail(
            id,
            ErrorBody::invalid(format!("the message isn't a request: {error}")),
        )
    })?;
    let id = raw.id.filter(|id| *id <= MAX_REQUEST_ID).ok_or_else(|| {
        fail(
            None,
            ErrorBody::invalid("a request needs an integer id from 0 to 2^53 - 1"),
        )
    })?;
    let method = raw
        .method
        .ok_or_else(|| fail(Some(id), ErrorBody::invalid("a request needs a method")))?;
    let params = raw.params.map_or("{}", RawValue::get);
    if !is_object(params) {
        let message = format!("parameters of {method}: they are no object");
        return Err(fail(Some(id), ErrorBody::invalid(message)));
    }
    match Call::parse(&method, params) {
        Ok(call) => Ok((id, call)),
        Err(error) => Err(fail(Some(id), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(payload: &str) -> (Option<u64>, ErrorBody) {
        match parse_request(payload.as_bytes()) {
            Err(Response::Failed { id, error }) => (id, *error),
            other => panic!("{payload}: {other:?}"),
        }
    }

    #[test]
    fn a_request() {
        let (id, call) = parse_request(br#"{"id":7,"method":"ping"}"#).unwrap();
        assert_eq!((id, call.method()), (7, "ping"));
        let (_, call) =
            parse_request(br#"{"id":8,"method":"detach","params":{"link":3}}"#).unwrap();
        assert!(matches!(call, Call::Detach(params) if params.link == 3));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_id_where_there_is_one() {
        for (payload, id, words) in [
            ("", None, "isn't a request"),
            ("nonsense", None, "isn't a request"),
            ("[]", None, "isn't a request"),
            (r#"[3,"ping",{}]"#, None, "no object"),
            (
                r#"{"id":3,"method":"detach","params":[1]}"#,
                Some(3),
                "no object",
            ),
            ("{}", None, "needs an integer id"),
            (r#"{"id":-1,"method":"ping"}"#, None, "isn't a request"),
            (r#"{"id":9007199254740992,"method":"ping"}"#, None, "2^53"),
            (r#"{"id":1.5,"method":"ping"}"#, None, "isn't a request"),
            (r#"{"id":3}"#, Some(3), "needs a method"),
            (r#"{"id":3,"method":5}"#, Some(3), "isn't a request"),
            (r#"{"id":3,"method":"launch"}"#, Some(3), "no method launch"),
            (
                r#"{"id":3,"method":"detach"}"#,
                Some(3),
                "missing field `link`",
            ),
            (
                r#"{"id":3,"method":"detach","params":[1,2]}"#,
                Some(3),
                "detach",
            ),
            (
                r#"{"id":3,"method":"detach","params":{"link":"x"}}"#,
                Some(3),
                "detach",
            ),
            (
                r#"{"id":3,"method":"detach","params":{"link":1,"lnk":1}}"#,
                Some(3),
                "unknown field `lnk`",
            ),
            (
                r#"{"id":3,"method":"ping","params":{"extra":1}}"#,
                Some(3),
                "unknown field",
            ),
        ] {
            let (got, error) = refused(payload);
            assert_eq!(got, id, "{payload}");
            assert!(
                error.message.contains(words),
                "{payload}: {}",
                error.message
            );
        }
        let Err(Response::Failed { error, .. }) = parse_request(b"{\"id\":1,\xff") else {
            panic!()
        };
        assert!(error.message.contains("UTF-8"));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_stack_overflow() {
        let deep = format!(
            r#"{{"id":1,"method":"ping","params":{}}}"#,
            "[".repeat(1_000_000)
        );
        refused(&deep);
    }

    #[test]
    fn an_unreadable_request_is_answered_with_a_null_id() {
        let (id, error) = refused("{");
        let json = serde_json::to_value(Response::Failed {
            id,
            error: Box::new(error),
        })
        .unwrap();
        assert!(
            json["id"].is_null() && json["error"]["kind"] == "invalid",
            "{json}"
        );
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_request(&bytes);
        }

        #[test]
        fn mutilated_requests_never_panic(
            at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()
        ) {
            let mut bytes = br#"{"id":1,"method":"trigger","params":{"calls":[{"syscall":"dup","args":["7"]}]}}"#.to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(cut.index(bytes.len() + 1));
            let _ = parse_request(&bytes);
        }
    }
}
