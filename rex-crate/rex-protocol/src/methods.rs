// SPDX-License-Identifier: GPL-2.0-only
//! The table of methods: their names, parameters and results, from which the
//! parser, the dispatcher and the TypeScript types follow.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::envelope::ErrorBody;
use crate::messages::*;

/// One method, as a type: for clients that want their calls checked.
pub trait Method {
    /// Its name in a request.
    const NAME: &'static str;
    /// Its parameters.
    type Params: Serialize + DeserializeOwned;
    /// Its result.
    type Result: Serialize + DeserializeOwned;
}

macro_rules! methods {
    ($( $(#[doc = $doc:literal])+ $variant:ident $function:ident $name:literal $params:ident => $result:ident; )+) => {
        /// A request that was understood.
        #[derive(Clone, Debug)]
        pub enum Call {
            $( $(#[doc = $doc])+ $variant($params), )+
        }

        impl Call {
            /// Name of the method.
            pub fn method(&self) -> &'static str {
                match self { $( Call::$variant(_) => $name, )+ }
            }

            /// Reads the parameters of a method.
            ///
            /// # Errors
            /// `NotFound` for a method that doesn't exist, `Invalid` for
            /// parameters that aren't its own.
            pub fn parse(method: &str, params: &str) -> Result<Call, ErrorBody> {
                match method {
                    $( $name => serde_json::from_str(params).map(Call::$variant), )+
                    _ => return Err(unknown(method)),
                }
                .map_err(|error| ErrorBody::invalid(format!("parameters of {method}: {error}")))
            }

            /// Has a handler do it and returns the result as JSON.
            ///
            /// # Errors
            /// The handler's.
            pub fn dispatch(self, handler: &impl Handler) -> Result<Box<RawValue>, ErrorBody> {
                match self { $( Call::$variant(params) => to_json(&handler.$function(params)?), )+ }
            }
        }

        /// What answers requests: one function for each method.
        pub trait Handler {
            $( $(#[doc = $doc])+
               ///
               /// # Errors
               /// What the response says.
               fn $function(&self, params: $params) -> Result<$result, ErrorBody>; )+
        }

        /// Each method as a type.
        pub mod method {
            $( $(#[doc = $doc])+
               pub enum $variant {}
               impl super::Method for $variant {
                   const NAME: &'static str = $name;
                   type Params = super::$params;
                   type Result = super::$result;
               } )+
        }

        /// The table as the TypeScript generator wants it.
        #[cfg(test)]
        pub(crate) fn visit(visitor: &mut impl crate::typescript::MethodVisitor) {
            $( visitor.method::<$params, $result>($name, &[$($doc),+]); )+
        }
    };
}

methods! {
    /// Who is there; the same as the event. For a guest cloned after it was sent.
    Hello hello "hello" Empty => Hello;
    /// Makes a clone of a snapshot a guest of its own: fresh random numbers, the right time. Done before any request behind it.
    Renew renew "renew" RenewParams => Empty;
    /// Nothing, to see whether the agent answers. Never waits for other requests.
    Ping ping "ping" Empty => Empty;
    /// Loads an object: creates its maps, has the kernel load it, gets its programs.
    Load load "load" LoadParams => LoadResult;
    /// Detaches an object's programs and forgets the object, its programs and maps.
    Unload unload "unload" UnloadParams => Empty;
    /// Attaches a program, by default where its record says.
    Attach attach "attach" AttachParams => AttachResult;
    /// Ends an attachment.
    Detach detach "detach" DetachParams => Empty;
    /// Puts another program in the place of an attachment's.
    LinkUpdate link_update "linkUpdate" LinkUpdateParams => Empty;
    /// Takes an attachment's program from its hook, by BPF_LINK_DETACH: the link itself stays.
    LinkDetach link_detach "linkDetach" DetachParams => Empty;
    /// Gives a program, map or link a name in a BPF file system, which keeps it.
    Pin pin "pin" PinParams => Empty;
    /// Removes such a name.
    Unpin unpin "unpin" PinnedParams => Empty;
    /// Opens a pinned program. It is an object of its own until it is unloaded, which unpins nothing.
    PinnedProgram pinned_program "pinnedProgram" PinnedParams => LoadResult;
    /// Opens a pinned map, likewise.
    PinnedMap pinned_map "pinnedMap" PinnedParams => LoadResult;
    /// Opens a pinned link. `detach` closes it; it stays attached while it is pinned.
    PinnedLink pinned_link "pinnedLink" PinnedParams => PinnedLinkResult;
    /// Loads an eBPF program, to compare with.
    EbpfLoad ebpf_load "ebpfLoad" EbpfLoadParams => LoadResult;
    /// Reads one element of a map.
    MapGet map_get "mapGet" MapKeyParams => MapGetResult;
    /// Writes one element of a map.
    MapSet map_set "mapSet" MapSetParams => Empty;
    /// Deletes one element of a map.
    MapDelete map_delete "mapDelete" MapKeyParams => MapDeleteResult;
    /// Reads and deletes one element of a map in one step; of a queue or stack the next one.
    MapTake map_take "mapTake" MapKeyParams => MapGetResult;
    /// Reads the elements of a map.
    MapEntries map_entries "mapEntries" MapEntriesParams => MapEntriesResult;
    /// Takes the records out of a ring buffer.
    RingbufRead ringbuf_read "ringbufRead" RingbufReadParams => RingbufReadResult;
    /// Opens a perf buffer on each online CPU for what programs write to a perf event array.
    PerfOpen perf_open "perfOpen" PerfParams => Empty;
    /// Takes the events out of the perf buffers.
    PerfRead perf_read "perfRead" PerfParams => PerfReadResult;
    /// Makes system calls, each on a thread of its own.
    Trigger trigger "trigger" TriggerParams => TriggerResult;
    /// Makes a pair of network devices of which each receives what the other sends.
    VethAdd veth_add "vethAdd" VethAddParams => VethAddResult;
    /// Removes a network device.
    NetRemove net_remove "netRemove" NetRemoveParams => Empty;
    /// Brings a network device up that leads out of the guest, with an address and a way out if they are given.
    NetUp net_up "netUp" NetUpParams => NetDevice;
    /// Has a program judge what goes through a device, by a tc filter.
    FilterAdd filter_add "filterAdd" FilterAddParams => Empty;
    /// Removes such a filter.
    FilterRemove filter_remove "filterRemove" FilterRemoveParams => Empty;
    /// Sends frames out of a device, and receives.
    Packets packets "packets" PacketsParams => PacketsResult;
    /// Runs a program once or more with BPF_PROG_TEST_RUN.
    TestRun test_run "testRun" TestRunParams => TestRunResult;
    /// Reads Rex exit records.
    Exits exits "exits" ExitsParams => ExitsResult;
    /// Reads what each Rex program has done so far.
    Programs programs "programs" Empty => ProgramsResult;
    /// Lists what the kernel holds: programs, maps, links, modules, taint, statistics.
    Inventory inventory "inventory" InventoryParams => InventoryResult;
    /// Lists the same, and what else a test can leave behind: in one request, since each costs a fresh guest dear.
    Holdings holdings "holdings" HoldingsParams => HoldingsResult;
    /// Reads what came out of the trace pipe since the last call.
    TraceRead trace_read "traceRead" Empty => TraceReadResult;
    /// Sends all records that the kernel log holds, as events, before it answers.
    LogSync log_sync "logSync" Empty => LogSyncResult;
    /// Runs a program of the host or the guest to its end.
    Exec exec "exec" ExecParams => ExecResult;
    /// Reads a file.
    ReadFile read_file "readFile" ReadFileParams => ReadFileResult;
    /// Reads all files below a folder, 8 MiB together at most: many small ones in one request.
    ReadFolder read_folder "readFolder" ReadFolderParams => ReadFolderResult;
    /// Writes a file, or a file of /proc or /sys.
    WriteFile write_file "writeFile" WriteFileParams => WriteFileResult;
    /// Writes a key to /proc/sysrq-trigger.
    Sysrq sysrq "sysrq" SysrqParams => Empty;
    /// Looks up kernel symbols.
    Kallsyms kallsyms "kallsyms" KallsymsParams => KallsymsResult;
    /// Lists the CPUs.
    Cpus cpus "cpus" Empty => CpusResult;
    /// Answers, then powers the guest off.
    Poweroff poweroff "poweroff" Empty => Empty;
}

fn unknown(method: &str) -> ErrorBody {
    let name: String = method.chars().take(40).collect();
    ErrorBody::not_found(format!("there is no method {name}"))
}

fn to_json(result: &impl Serialize) -> Result<Box<RawValue>, ErrorBody> {
    serde_json::value::to_raw_value(result).map_err(|error| {
        ErrorBody::internal(format!("the result can't be written as JSON: {error}"))
    })
}
