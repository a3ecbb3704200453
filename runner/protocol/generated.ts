// SPDX-License-Identifier: MIT
// Generated from rex-crate/rex-protocol; do not edit. To write it again:
//   cd rex-crate && REX_WRITE_TYPES=1 cargo test -p rex-protocol generated_is_current
// docs/protocol.md describes the conversation.

/** Version of the messages; an agent of another version is refused. */
export const PROTOCOL_VERSION = 1881762765;
/** Largest payload of a frame, in bytes. */
export const MAX_FRAME_BYTES = 16777216;
/** Name of the virtio-serial port that the agent listens on. */
export const PORT_NAME = "org.rex-test.agent";
/** 9p mount tag of the host's root. */
export const HOST_ROOT_TAG = "hostroot";
/** What the agent prints on the console when it starts to answer. */
export const READY_LINE = "rex-agent: ready";

/** Parameters of `attach`. */
export type AttachParams = {
  /** Handle of the program. */
  program: number,
  /** Where; if not given, where the program's record says. */
  target?: AttachTarget,
  /** A number that the program can ask for when it runs; 0 if not given. Not
   * for network devices.
   */
  cookie?: U64,
};

/** Result of `attach`. */
export type AttachResult = {
  /** Handle of the link. */
  link: number,
  /** The kernel's id of it. */
  id: number,
  /** Where the program is attached. */
  target: AttachTarget,
};

/** Where a program attaches. */
export type AttachTarget = { "kind": "kprobe",
  /** The function. */
  symbol: string,
  /** Bytes after its start; 0 if not given. */
  offset?: U64,
  /** At the function's return instead; false if not given. */
  ret?: boolean } | { "kind": "tracepoint",
  /** Such as `syscalls`. */
  category: string,
  /** Such as `sys_enter_dup`. */
  name: string } | { "kind": "perfEvent",
  /** Such as `cpu-clock`. */
  event: string,
  /** The program runs each time the event has gone on by so much;
   * nanoseconds for a clock.
   */
  samplePeriod: U64,
  /** 0 if not given. */
  cpu?: number } | { "kind": "xdp",
  /** Name of the device. */
  device: string,
  /** In the driver or in the network stack; if not given, in the driver
   * where that can.
   */
  mode?: XdpMode } | { "kind": "tcx",
  /** Name of the device. */
  device: string,
  /** Which way. */
  direction: TcDirection,
};

/** Who has to change something for the error to go away. */
export type Blame = "caller" | "object" | "kernel" | "agent";

/** The address of zero bytes that the kernel may write to. */
export type BufferArg = {
  /** How many; at most 1 MiB. */
  buffer: number,
};

/** A byte string, base64 in JSON. */
export type Bytes = string;

/** Result of `cpus`. */
export type CpusResult = {
  /** CPUs that there can be; a value of a per-CPU map has one part for each. */
  possible: Array<number>,
  /** CPUs that run. */
  online: Array<number>,
};

/** The address of a copy of these bytes. */
export type DataArg = {
  /** The bytes. */
  data: Bytes,
};

/** Parameters of `detach`. */
export type DetachParams = {
  /** Handle of the link. */
  link: number,
};

/** Parameters of `ebpfLoad`. */
export type EbpfLoadParams = {
  /** Type of the program as bpftool writes it, such as `xdp`. */
  type: string,
  /** Its instructions, 8 bytes each. */
  instructions: Bytes,
  /** Its name. */
  name: string,
};

/** No parameters, or nothing to report. */
export type Empty = Record<string, never>;

/** Why a request failed. */
export type ErrorBody = {
  /** What kind of thing went wrong. */
  kind: ErrorKind,
  /** Who has to change something. */
  blame: Blame,
  /** A sentence for a person. */
  message: string,
  /** The number, with kind `errno`, `unsupported` or `not_found`, when a
   * system call gave one.
   */
  errno?: number,
  /** Its name, such as `EACCES`. */
  errnoName?: string,
  /** What the kernel wrote to `log_buf`. */
  log?: string,
};

/** What kind of thing went wrong. */
export type ErrorKind = "errno" | "invalid" | "unsupported" | "not_found" | "timeout" | "busy" | "internal";

/** What the agent sends unasked. */
export type Event = { "event": "hello", "params": Hello } | { "event": "log", "params": KernelLog } | { "event": "dying", "params": {
  /** Why, in a sentence. */
  reason: string } };

/** Parameters of `exec`. */
export type ExecParams = {
  /** Program and arguments. A program without a slash is searched on PATH. */
  argv: Array<string>,
  /** Empty if not given. */
  stdin?: Bytes,
  /** After so long the program and all of its process group are killed;
   * 60,000 if not given.
   */
  timeoutMs?: number,
  /** Which file system. */
  root: ExecRoot,
  /** The environment, beside PATH and HOME. */
  env?: { [key in string]: string },
  /** Working directory; `/` if not given. */
  cwd?: string,
  /** Who runs it; root if not given. */
  user?: User,
};

/** Result of `exec`. */
export type ExecResult = {
  /** Exit status, when the program ended by itself. */
  status?: number,
  /** Name of the signal that ended it, such as `SIGKILL`. */
  signal?: string,
  /** It was killed because its time was up. */
  timedOut: boolean,
  /** The first 4 MiB of its output. */
  stdout: Bytes,
  /** The first 1 MiB of its error output. */
  stderr: Bytes,
  /** There was more output than that, or something that the program left
   * behind still held a pipe (and was killed).
   */
  truncated: boolean,
  /** From start to end. */
  durationMs: number,
};

/** The file system that a program sees. */
export type ExecRoot = "host" | "guest";

/** One frame of a backtrace. */
export type ExitFrame = {
  /** The return address. */
  address: U64,
  /** As the kernel writes it: `hello::prog+0x24/0x60`. */
  symbol: string,
};

/** How a program ended that did not return. */
export type ExitRecord = {
  /** Sequence number, from 1, increasing by 1. */
  seq: number,
  /** The kernel's id of the program. */
  progId: number,
  /** Name of the program. */
  prog: string,
  /** Name of the object. */
  object: string,
  /** `panic`, `nested_panic`, `stack_overflow`, `resources`, `timeout` or `fault`. */
  reason: string,
  /** Where it ran. */
  cpu: number,
  /** `task`, `softirq`, `hardirq` or `nmi`. */
  level: string,
  /** The thread that it interrupted. */
  pid: number,
  /** Name of that thread. */
  comm: string,
  /** When, on the monotonic clock. */
  atNs: number,
  /** How long it had run. */
  durationNs: number,
  /** Bytes of Rex stack in use. */
  stackUsed: number,
  /** How often this program has ended abnormally, this time included. */
  count: number,
  /** What the hook got instead: the default verdict of the program's type. */
  retval: U64,
  /** Of a panic: `src/main.rs:12:5`. */
  location?: string,
  /** In words: those of the panic, or the runtime's. What is not UTF-8 is U+FFFD. */
  message?: string,
  /** What the program held and the runtime released, in that order: `task`, … */
  released: Array<string>,
  /** The backtrace, innermost first. */
  frames: Array<ExitFrame>,
};

/** Parameters of `exits`. */
export type ExitsParams = {
  /** Only records with a larger sequence number; all if not given. */
  sinceSeq?: number,
};

/** Result of `exits`. */
export type ExitsResult = {
  /** Oldest first. */
  records: Array<ExitRecord>,
  /** How many were asked for that the kernel no longer holds. */
  lost: number,
};

/**
 * Parameters of `filterAdd`: a tc filter of kind `bpf` whose program's verdict
 * is the packet's (`direct-action`). The device gets a `clsact` qdisc if it has none.
 */
export type FilterAddParams = {
  /** Handle of the program. */
  program: number,
  /** Name of the device. */
  device: string,
  /** Which way. */
  direction: TcDirection,
  /** Filters run in the order of their priorities; 1 if not given. */
  priority?: number,
  /** Put the program in the place of the one that is there; false if not given. */
  replace?: boolean,
};

/** Parameters of `filterRemove`. */
export type FilterRemoveParams = {
  /** Name of the device. */
  device: string,
  /** Which way. */
  direction: TcDirection,
  /** As it was added with; 1 if not given. */
  priority?: number,
};

/** A file below a folder. */
export type FolderFile = {
  /** Its path below the folder. */
  path: string,
  /** Its contents. */
  data: Bytes,
};

/** Who is there. */
export type Hello = {
  /** Version of these messages. */
  protocolVersion: number,
  /** Version of the agent's crate. */
  agentVersion: string,
  /** As uname(2) says. */
  kernelRelease: string,
  /** CPUs online. */
  cpus: number,
  /** Time since the kernel booted, when this was asked. */
  bootMs: number,
  /** The kernel's command line. */
  cmdline: string,
  /** The kernel has the Rex commands. */
  rex: boolean,
};

/** Parameters of `holdings`. */
export type HoldingsParams = {
  /** Files of procfs, sysfs and the like to read. */
  texts: Array<string>,
  /** How long a thread may take to run on each CPU. */
  cpuLimitMs: number,
};

/** Result of `holdings`. */
export type HoldingsResult = {
  /** As from `inventory` without parameters. */
  inventory: InventoryResult,
  /** The files by path; those that can't be read are missing. */
  texts: { [key in string]: string },
  /** What the agent has open, as /proc names it: `anon_inode:bpf-map`. */
  openFiles: Array<string>,
  /** Paths below /sys/fs/bpf. */
  pins: Array<string>,
  /** The highest id of a BTF object, 0 without any. */
  lastBtf: number,
  /** CPUs that are online and on which no thread ran within the limit. */
  deafCpus: Array<number>,
};

/** A signed 64-bit value, a decimal string in JSON. */
export type I64 = string;

/** Handles that the agent holds. */
export type InventoryHandles = {
  /** Loaded objects. */
  objects: Array<number>,
  /** Attachments. */
  links: Array<number>,
};

/** A BPF link. */
export type InventoryLink = {
  /** The kernel's id. */
  id: number,
  /** As bpftool writes it. */
  type: string,
  /** Its program. */
  progId: number,
  /** On a network device: its number, 0 once the link is detached. */
  device?: number,
  /** On a kernel function: its name, and `+0x…` if it is not at the start. */
  function?: string,
  /** On a kernel function: whether at its return. */
  ret?: boolean,
  /** On a kernel function: hits that did not get to the program. */
  missed?: number,
  /** On a tracepoint: its name, without the category. */
  tracepoint?: string,
  /** On another perf event: its type and number, of linux/perf_event.h. */
  event?: [U64, U64],
  /** On a perf event of any kind: the number that the attacher gave it. */
  cookie?: U64,
};

/** A BPF map. */
export type InventoryMap = {
  /** The kernel's id. */
  id: number,
  /** As the kernel reports it: at most 15 bytes. */
  name: string,
  /** As bpftool writes it. */
  type: string,
  /** Bytes of a key. */
  keySize: number,
  /** Bytes of a value. */
  valueSize: number,
  /** How many elements it can hold. */
  maxEntries: number,
  /** BPF_F_*. */
  flags: number,
};

/** A kernel module. */
export type InventoryModule = {
  /** Its name. */
  name: string,
  /** Its size. */
  bytes: number,
  /** `Live`, `Loading` or `Unloading`. */
  state: string,
};

/** Parameters of `inventory`. */
export type InventoryParams = {
  /** Slab caches to report, by name; if not given those that Rex and BPF use. */
  slabs?: Array<string>,
};

/** A BPF program. */
export type InventoryProgram = {
  /** The kernel's id. */
  id: number,
  /** As the kernel reports it: at most 15 bytes. */
  name: string,
  /** As bpftool writes it. */
  type: string,
  /** In hexadecimal. */
  tag: string,
  /** Bytes of machine code. */
  jitedBytes: number,
  /** Ids of the maps it uses; at most 64. */
  mapIds: Array<number>,
  /** How often it ran, while kernel.bpf_stats_enabled is 1. */
  runCount: number,
  /** How long it ran, while kernel.bpf_stats_enabled is 1. */
  runTimeNs: number,
  /** How often it was skipped because it was already running. */
  recursionMisses: number,
};

/** Result of `inventory`. */
export type InventoryResult = {
  /** All BPF programs, by id. */
  progs: Array<InventoryProgram>,
  /** All BPF maps, by id. */
  maps: Array<InventoryMap>,
  /** All BPF links, by id. */
  links: Array<InventoryLink>,
  /** Kernel modules. */
  modules: Array<InventoryModule>,
  /** Bits of /proc/sys/kernel/tainted. */
  taint: number,
  /** One letter for each of the bits, as an oops shows them: `G` is not one. */
  taintFlags: Array<string>,
  /** debugfs rex/stats; absent on a kernel without Rex. */
  rexStats?: { [key in string]: number },
  /** From /proc/slabinfo; absent where that can't be read. */
  slabs?: Array<InventorySlab>,
  /** What this agent itself holds. */
  handles: InventoryHandles,
};

/** A slab cache. */
export type InventorySlab = {
  /** Its name. */
  name: string,
  /** Objects in use. */
  active: number,
  /** Objects there is room for. */
  total: number,
  /** Size of an object. */
  objectBytes: number,
};

/** Parameters of `kallsyms`. */
export type KallsymsParams = {
  /** Symbols with exactly these names. */
  symbols: Array<string>,
  /** Symbols whose name contains this. */
  contains?: string,
  /** At most so many; 1,000 if not given, 20,000 at most. */
  limit?: number,
};

/** Result of `kallsyms`. */
export type KallsymsResult = {
  /** Those that were found, in the kernel's order. */
  symbols: Array<KernelSymbol>,
  /** There are more than the limit. */
  truncated: boolean,
};

/** New records of the kernel log. */
export type KernelLog = {
  /** In order. */
  records: Array<LogRecord>,
  /** How many records were overwritten before they could be read, ahead of
   * or between these.
   */
  lost: number,
};

/** A kernel symbol. */
export type KernelSymbol = {
  /** Its name. */
  name: string,
  /** Its address. */
  address: U64,
  /** As nm(1) writes it: `T` or `t` for code. */
  type: string,
  /** What stands in brackets behind it: a module, `bpf`, … */
  module?: string,
};

/** Parameters of `linkUpdate`. */
export type LinkUpdateParams = {
  /** Handle of the link. */
  link: number,
  /** Handle of the program that takes the place of the link's. */
  program: number,
  /** Handle of the program that the link must have for that; any if not given. */
  expected?: number,
};

/** Parameters of `load`. */
export type LoadParams = {
  /** The object file. */
  object: Bytes,
  /** What kernel messages and exit records call the object; `object` if not given. */
  name?: string,
  /** Hand the object to the kernel even when the loader finds that it can't
   * be one, to put the kernel's own checks to the test; false if not given.
   */
  unchecked?: boolean,
  /** Maps of other objects that this one uses in place of its own, as
   * handles by the names of its records; none if not given.
   */
  maps?: { [key in string]: number },
  /** Who has the kernel load it; root if not given. */
  user?: User,
};

/** Result of `load`. */
export type LoadResult = {
  /** Handle of the object. */
  object: number,
  /** Its programs, in the order of its records. */
  programs: Array<ProgramInfo>,
  /** Its maps, in the order of its records. */
  maps: Array<MapInfo>,
  /** What the kernel wrote to `log_buf`, if anything. */
  log?: string,
};

/** One record of the kernel log. */
export type LogRecord = {
  /** Sequence number, from 0, increasing by 1. */
  seq: number,
  /** 0 (emergency) to 7 (debug). */
  level: number,
  /** 0 is the kernel itself. */
  facility: number,
  /** Time since boot. */
  timeUs: number,
  /** One line, without a newline at its end. */
  text: string,
};

/** Result of `logSync`. */
export type LogSyncResult = {
  /** All records below this number were sent or are lost. */
  nextSeq: number,
};

/** Result of `mapDelete`. */
export type MapDeleteResult = {
  /** False when there was no such key. */
  deleted: boolean,
};

/** Parameters of `mapEntries`. */
export type MapEntriesParams = {
  /** Handle of the map. */
  map: number,
  /** At most so many; 1,000 if not given, 100,000 at most. */
  limit?: number,
};

/** Result of `mapEntries`. */
export type MapEntriesResult = {
  /** The elements, in the kernel's order. */
  entries: Array<MapEntry>,
  /** There are more than the limit, or than fit an answer. */
  truncated: boolean,
};

/** One element of a map. */
export type MapEntry = {
  /** The key. */
  key: Bytes,
  /** The value; a list for a per-CPU map. */
  value: MapValue,
};

/** Result of `mapGet`. */
export type MapGetResult = {
  /** The value, or null when there is no such key. */
  value: MapValue | null,
};

/** A loaded map. */
export type MapInfo = {
  /** Handle of the map. */
  map: number,
  /** The kernel's id of it. */
  id: number,
  /** Its name in the object. */
  name: string,
  /** Its type as bpftool writes it, such as `hash`. */
  type: string,
  /** Bytes of a key. */
  keySize: number,
  /** Bytes of a value. */
  valueSize: number,
  /** How many elements it can hold. */
  maxEntries: number,
  /** How many values an element has: the possible CPUs of a per-CPU map, or 1. */
  valuesPerEntry: number,
};

/** Parameters of `mapGet` and `mapDelete`. */
export type MapKeyParams = {
  /** Handle of the map. */
  map: number,
  /** The key, `keySize` bytes. */
  key: Bytes,
};

/** Parameters of `mapSet`. */
export type MapSetParams = {
  /** Handle of the map. */
  map: number,
  /** The key, `keySize` bytes. */
  key: Bytes,
  /** The value; a list for a per-CPU map. */
  value: MapValue,
  /** BPF_ANY (0), BPF_NOEXIST (1), BPF_EXIST (2), …; 0 if not given. */
  flags?: U64,
};

/**
 * A value of a map. For a per-CPU map a list with one for each possible CPU,
 * each of `valueSize` bytes (without the padding that bpf(2) adds).
 */
export type MapValue = Bytes | Array<Bytes>;

/** A network device. */
export type NetDevice = {
  /** Its name. */
  name: string,
  /** Its number. */
  index: number,
  /** Its hardware address, as `02:00:00:00:00:01`. */
  mac: string,
};

/** Parameters of `netRemove`. */
export type NetRemoveParams = {
  /** Name of the device; the other end of a pair goes with it. */
  name: string,
};

/** Parameters of `netUp`. */
export type NetUpParams = {
  /** Name of the device. */
  name: string,
  /** Its IPv4 address with the prefix of its network, as `10.0.2.15/24`; none if not given. */
  address?: string,
  /** IPv4 address of who forwards packets for elsewhere; nobody does if not given. */
  gateway?: string,
};

/** Where to listen. */
export type PacketReceive = {
  /** Name of the device. */
  device: string,
  /** Only frames of this type. They are seen behind the device's ingress
   * programs; without a type all frames are, in front of them (but behind
   * XDP in any case).
   */
  ethertype?: number,
  /** How many to wait for; 0 if not given: those that are there already. */
  count?: number,
};

/** Frames to send. */
export type PacketSend = {
  /** Name of the device that sends them. */
  device: string,
  /** Each from its Ethernet header on, in this order. */
  frames: Array<Bytes>,
  /** How often all of them; 1 if not given, 1,000,000 at most. */
  repeat?: number,
};

/**
 * Parameters of `packets`: opens a socket for each entry of `receive`, sends,
 * then reads.
 */
export type PacketsParams = {
  /** The CPU that the sending thread is pinned to; not pinned if not given. */
  cpu?: number,
  /** What to send; nothing if not given. */
  send?: PacketSend,
  /** Where to listen. */
  receive: Array<PacketReceive>,
  /** For how long to wait for what was to be received; the answer has what
   * came. 2,000 if not given.
   */
  timeoutMs?: number,
};

/** Result of `packets`. */
export type PacketsResult = {
  /** How many frames the kernel took. */
  sent: number,
  /** Frames that came, for each entry of `receive`. */
  received: Array<Array<Bytes>>,
  /** The sending, on the monotonic clock. */
  durationNs: number,
  /** The thread that sent. */
  tid: number,
};

/** What came through the perf buffer of one CPU. */
export type PerfCpu = {
  /** The CPU. */
  cpu: number,
  /** Events, oldest first; the kernel has padded each to 4 more than a multiple of 8 bytes. */
  events: Array<Bytes>,
  /** How many did not fit. */
  lost: number,
};

/** Parameters of `perfOpen` and `perfRead`. */
export type PerfParams = {
  /** Handle of the map. */
  map: number,
};

/** Result of `perfRead`. */
export type PerfReadResult = {
  /** For each CPU that was online when the buffers were opened. */
  cpus: Array<PerfCpu>,
};

/** What can be pinned. */
export type PinKind = "program" | "map" | "link";

/** Parameters of `pin`. */
export type PinParams = {
  /** What the handle is of. */
  kind: PinKind,
  /** Of what is to be pinned. */
  handle: number,
  /** Where, below a BPF file system such as /sys/fs/bpf. */
  path: string,
};

/** Result of `pinnedLink`. */
export type PinnedLinkResult = {
  /** Handle of the link. */
  link: number,
  /** The kernel's id of it. */
  id: number,
};

/** Where something is pinned. */
export type PinnedParams = {
  /** The path. */
  path: string,
};

/** A loaded program. */
export type ProgramInfo = {
  /** Handle of the program. */
  program: number,
  /** The kernel's id of it. */
  id: number,
  /** Its name in the object. */
  name: string,
  /** Its type as bpftool writes it, such as `kprobe`. */
  type: string,
  /** Where it attaches by default, as its record says. */
  attach?: string,
};

/** What one program has done so far. */
export type ProgramStats = {
  /** The kernel's id of it. */
  id: number,
  /** Its name, in full. */
  name: string,
  /** Name of its object. */
  object: string,
  /** As bpftool writes it. */
  type: string,
  /** How often it was begun. */
  runs: number,
  /** How often it was skipped, because a program was running there already. */
  misses: number,
  /** How often it ended abnormally. */
  exits: number,
  /** Whether it does not run any more, because of such an end. */
  stopped: boolean,
  /** Bytes of stack that it needs at most, as `rex-verify` has proved. Absent
   * when it looks itself, at run time.
   */
  stackBoundBytes?: number,
  /** Bytes of stack that it has used at most so far: where objects are
   * measured of all runs that `measured_runs` counts, else at calls of
   * helpers and at abnormal ends.
   */
  stackUsedBytes: number,
  /** Likewise, while its code formatted the message of a panic. */
  reportUsedBytes: number,
  /** Likewise, with all that ran on its stack: helpers, exits, interrupts. 0
   * where objects aren't measured.
   */
  totalUsedBytes: number,
  /** Runs that were measured from begin to end, without an interrupt. */
  measuredRuns: number,
};

/** Result of `programs`. */
export type ProgramsResult = {
  /** The oldest first. */
  programs: Array<ProgramStats>,
};

/** Parameters of `readFile`. */
export type ReadFileParams = {
  /** In the guest. */
  path: string,
  /** At most so much from the start; 4 MiB if not given, 8 MiB at most. */
  maxBytes?: number,
};

/** Result of `readFile`. */
export type ReadFileResult = {
  /** Its contents. */
  data: Bytes,
  /** The file is longer. */
  truncated: boolean,
};

/** Parameters of `readFolder`. */
export type ReadFolderParams = {
  /** In the guest. */
  path: string,
  /** Only files whose names end so; all if not given. */
  suffix?: string,
};

/** Result of `readFolder`. */
export type ReadFolderResult = {
  /** By their paths. */
  files: Array<FolderFile>,
};

/** Parameters of `renew`. */
export type RenewParams = {
  /** Random bytes that no other guest gets, 32 to 512 of them. */
  entropy: Bytes,
  /** What the clock is set to: nanoseconds since 1970, UTC. */
  realtimeNs: U64,
};

/** Parameters of `ringbufRead`. */
export type RingbufReadParams = {
  /** Handle of the map. */
  map: number,
};

/** Result of `ringbufRead`. */
export type RingbufReadResult = {
  /** The records, oldest first. */
  records: Array<Bytes>,
  /** How many records between them were discarded. */
  discarded: number,
  /** Reading ended at a record that is reserved and not submitted yet. */
  busy: boolean,
  /** There are more than fit an answer: ask again. */
  truncated: boolean,
};

/** A system call: its name as in `dup`, or its number on x86-64. */
export type Syscall = number | string;

/** An argument of a system call. */
export type SyscallArg = U64 | TextArg | DataArg | BufferArg;

/** Parameters of `sysrq`. */
export type SysrqParams = {
  /** One character, such as `c` to crash. */
  key: string,
};

/** The way of a packet. */
export type TcDirection = "ingress" | "egress";

/** Parameters of `testRun`. */
export type TestRunParams = {
  /** Handle of the program. */
  program: number,
  /** The packet, for programs that take one. */
  dataIn?: Bytes,
  /** The context, for programs that take one. */
  ctxIn?: Bytes,
  /** How often; 1 if not given. */
  repeat?: number,
  /** For XDP: have the packets go where the program says, so many at a time,
   * instead of only judging them. Then there is no packet or context afterwards.
   */
  liveFrames?: number,
  /** As of `trigger`. */
  exitsSince?: number,
};

/** Result of `testRun`. */
export type TestRunResult = {
  /** What the program returned, the last time. */
  retval: number,
  /** The packet afterwards. */
  dataOut: Bytes,
  /** The context afterwards. */
  ctxOut: Bytes,
  /** Mean duration of one run, in nanoseconds. */
  durationNs: number,
  /** As of `trigger`. */
  exits?: ExitsResult,
};

/** The address of a copy of this text, with a NUL behind it. */
export type TextArg = {
  /** Without NUL. */
  text: string,
};

/** Result of `traceRead`. */
export type TraceReadResult = {
  /** Whole lines of the trace pipe. */
  text: string,
  /** There is more; call again. */
  more: boolean,
};

/** System calls of one thread. */
export type TriggerCall = {
  /** The CPU that the thread is pinned to; not pinned if not given. */
  cpu?: number,
  /** Which call. */
  syscall: Syscall,
  /** Up to six arguments; the others are 0. */
  args: Array<SyscallArg>,
  /** How often; 1 if not given, 10,000,000 at most. */
  repeat?: number,
  /** Whose thread it is; root's if not given. */
  user?: User,
};

/** What became of one thread's calls. */
export type TriggerOutcome = {
  /** What the last call returned, as the kernel returns it: -errno on failure. */
  ret: I64,
  /** The errno, when the last call failed. */
  errno?: number,
  /** Its name, such as `EBADF`. */
  errnoName?: string,
  /** How often the call was made. */
  count: number,
  /** How many of them failed. */
  failed: number,
  /** All of them together, on the monotonic clock. */
  durationNs: number,
  /** The CPU that the last one ended on. */
  cpu: number,
  /** The thread that made them. */
  tid: number,
  /** Contents of the `buffer` arguments, in their order. */
  buffers: Array<Bytes>,
};

/** Parameters of `trigger`. */
export type TriggerParams = {
  /** Up to 64 threads. */
  calls: Array<TriggerCall>,
  /** All threads start together, once every one is on its CPU; true if not
   * given. With false they run one after another.
   */
  barrier?: boolean,
  /** After so long the answer is an error of kind `timeout`; a thread that is
   * still in its call is left behind. 30,000 if not given.
   */
  timeoutMs?: number,
  /** The calls work on the agent's own file descriptors, and what they open
   * stays open; false if not given. Else each thread begins with /dev/null as
   * descriptors 0, 1 and 2 and no others, and what it opens ends with it.
   */
  keepFiles?: boolean,
  /** Have the exit records told that come about meanwhile. The number of one
   * that the caller knows, or 0: what came since then, before the calls, is
   * looked through first.
   */
  exitsSince?: number,
};

/** Result of `trigger`. */
export type TriggerResult = {
  /** In the order of the request's `calls`. */
  calls: Array<TriggerOutcome>,
  /** What came about meanwhile, if that was asked for. */
  exits?: ExitsResult,
};

/**
 * An unsigned 64-bit value, a decimal string in JSON. Also accepted:
 * `"0x…"`, and negative values down to -2^63 as their two's complement.
 */
export type U64 = string;

/** Parameters of `unload`. */
export type UnloadParams = {
  /** Handle of the object. */
  object: number,
};

/** A user without the powers of root. */
export type User = {
  /** Its number. */
  uid: number,
  /** Number of its only group; the same if not given. */
  gid?: number,
  /** Capabilities that it has all the same, as `CAP_BPF`; none if not given. */
  capabilities?: Array<string>,
};

/** Parameters of `vethAdd`. */
export type VethAddParams = {
  /** Name of the one end, at most 15 bytes. */
  name: string,
  /** Name of the other. */
  peer: string,
};

/**
 * Result of `vethAdd`. Both ends are up and have no addresses, so that
 * nothing runs through them but what somebody sends.
 */
export type VethAddResult = {
  /** The one end. */
  device: NetDevice,
  /** The other. */
  peer: NetDevice,
};

/** Parameters of `writeFile`. */
export type WriteFileParams = {
  /** In the guest. */
  path: string,
  /** All of it goes out in one write(2), as files of /proc and /sys want it. */
  data: Bytes,
  /** Append instead of replacing; false if not given. */
  append?: boolean,
  /** Make the file if it isn't there; true if not given. */
  create?: boolean,
  /** Permission bits of a new file; 0644 if not given. */
  mode?: number,
};

/** Result of `writeFile`. */
export type WriteFileResult = {
  /** Bytes that write(2) took. */
  written: number,
};

/** Where an XDP program runs. */
export type XdpMode = "native" | "generic";

/** Parameters and result of each method. */
export type Methods = {
  /** Who is there; the same as the event. For a guest cloned after it was sent. */
  hello: { params: Empty; result: Hello };
  /** Makes a clone of a snapshot a guest of its own: fresh random numbers, the right time. Done before any request behind it. */
  renew: { params: RenewParams; result: Empty };
  /** Nothing, to see whether the agent answers. Never waits for other requests. */
  ping: { params: Empty; result: Empty };
  /** Loads an object: creates its maps, has the kernel load it, gets its programs. */
  load: { params: LoadParams; result: LoadResult };
  /** Detaches an object's programs and forgets the object, its programs and maps. */
  unload: { params: UnloadParams; result: Empty };
  /** Attaches a program, by default where its record says. */
  attach: { params: AttachParams; result: AttachResult };
  /** Ends an attachment. */
  detach: { params: DetachParams; result: Empty };
  /** Puts another program in the place of an attachment's. */
  linkUpdate: { params: LinkUpdateParams; result: Empty };
  /** Takes an attachment's program from its hook, by BPF_LINK_DETACH: the link itself stays. */
  linkDetach: { params: DetachParams; result: Empty };
  /** Gives a program, map or link a name in a BPF file system, which keeps it. */
  pin: { params: PinParams; result: Empty };
  /** Removes such a name. */
  unpin: { params: PinnedParams; result: Empty };
  /** Opens a pinned program. It is an object of its own until it is unloaded, which unpins nothing. */
  pinnedProgram: { params: PinnedParams; result: LoadResult };
  /** Opens a pinned map, likewise. */
  pinnedMap: { params: PinnedParams; result: LoadResult };
  /** Opens a pinned link. `detach` closes it; it stays attached while it is pinned. */
  pinnedLink: { params: PinnedParams; result: PinnedLinkResult };
  /** Loads an eBPF program, to compare with. */
  ebpfLoad: { params: EbpfLoadParams; result: LoadResult };
  /** Reads one element of a map. */
  mapGet: { params: MapKeyParams; result: MapGetResult };
  /** Writes one element of a map. */
  mapSet: { params: MapSetParams; result: Empty };
  /** Deletes one element of a map. */
  mapDelete: { params: MapKeyParams; result: MapDeleteResult };
  /** Reads and deletes one element of a map in one step; of a queue or stack the next one. */
  mapTake: { params: MapKeyParams; result: MapGetResult };
  /** Reads the elements of a map. */
  mapEntries: { params: MapEntriesParams; result: MapEntriesResult };
  /** Takes the records out of a ring buffer. */
  ringbufRead: { params: RingbufReadParams; result: RingbufReadResult };
  /** Opens a perf buffer on each online CPU for what programs write to a perf event array. */
  perfOpen: { params: PerfParams; result: Empty };
  /** Takes the events out of the perf buffers. */
  perfRead: { params: PerfParams; result: PerfReadResult };
  /** Makes system calls, each on a thread of its own. */
  trigger: { params: TriggerParams; result: TriggerResult };
  /** Makes a pair of network devices of which each receives what the other sends. */
  vethAdd: { params: VethAddParams; result: VethAddResult };
  /** Removes a network device. */
  netRemove: { params: NetRemoveParams; result: Empty };
  /** Brings a network device up that leads out of the guest, with an address and a way out if they are given. */
  netUp: { params: NetUpParams; result: NetDevice };
  /** Has a program judge what goes through a device, by a tc filter. */
  filterAdd: { params: FilterAddParams; result: Empty };
  /** Removes such a filter. */
  filterRemove: { params: FilterRemoveParams; result: Empty };
  /** Sends frames out of a device, and receives. */
  packets: { params: PacketsParams; result: PacketsResult };
  /** Runs a program once or more with BPF_PROG_TEST_RUN. */
  testRun: { params: TestRunParams; result: TestRunResult };
  /** Reads Rex exit records. */
  exits: { params: ExitsParams; result: ExitsResult };
  /** Reads what each Rex program has done so far. */
  programs: { params: Empty; result: ProgramsResult };
  /** Lists what the kernel holds: programs, maps, links, modules, taint, statistics. */
  inventory: { params: InventoryParams; result: InventoryResult };
  /** Lists the same, and what else a test can leave behind: in one request, since each costs a fresh guest dear. */
  holdings: { params: HoldingsParams; result: HoldingsResult };
  /** Reads what came out of the trace pipe since the last call. */
  traceRead: { params: Empty; result: TraceReadResult };
  /** Sends all records that the kernel log holds, as events, before it answers. */
  logSync: { params: Empty; result: LogSyncResult };
  /** Runs a program of the host or the guest to its end. */
  exec: { params: ExecParams; result: ExecResult };
  /** Reads a file. */
  readFile: { params: ReadFileParams; result: ReadFileResult };
  /** Reads all files below a folder, 8 MiB together at most: many small ones in one request. */
  readFolder: { params: ReadFolderParams; result: ReadFolderResult };
  /** Writes a file, or a file of /proc or /sys. */
  writeFile: { params: WriteFileParams; result: WriteFileResult };
  /** Writes a key to /proc/sysrq-trigger. */
  sysrq: { params: SysrqParams; result: Empty };
  /** Looks up kernel symbols. */
  kallsyms: { params: KallsymsParams; result: KallsymsResult };
  /** Lists the CPUs. */
  cpus: { params: Empty; result: CpusResult };
  /** Answers, then powers the guest off. */
  poweroff: { params: Empty; result: Empty };
};

/** Name of a method. */
export type MethodName = keyof Methods;

/** What the host sends. */
export type Request<M extends MethodName = MethodName> = { id: number; method: M; params: Methods[M]["params"] };

/** What answers a request; the id is null when the request's could not be read. */
export type Response<M extends MethodName = MethodName> =
  | { id: number; result: Methods[M]["result"] }
  | { id: number | null; error: ErrorBody };

/** What the agent sends. */
export type AgentMessage = Response | Event;
