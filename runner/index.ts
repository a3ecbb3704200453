// SPDX-License-Identifier: MIT
// The public API: what a spec imports from "rex-test".
import "./test/matchers/index.ts";

export type { KernelConfig, Slowness } from "./kernel/config.ts";
export type {
  AttachTarget,
  Blame,
  ErrorBody,
  ErrorKind,
  ExitFrame,
  ExitRecord,
  Hello,
  InventoryHandles,
  InventoryLink,
  InventoryMap,
  InventoryModule,
  InventoryProgram,
  InventoryResult,
  InventorySlab,
  KernelSymbol,
  LogRecord,
  MapInfo,
  NetDevice,
  ProgramInfo,
  ProgramStats,
  TcDirection,
  U64,
  VethAddResult,
  XdpMode,
} from "./protocol/generated.ts";
export type { Isolation } from "./test/host/protocol.ts";
export type { RexAssertion, RexExpect } from "./test/matchers/index.ts";
// All of it, so that projects can add to OwnMatchers: TypeScript merges into no name that is exported by itself.
export * from "./test/matchers/own.ts";
export type { MatcherResult, Pattern } from "./test/matchers/result.ts";
export type { ExitReason, ExpectedExit, ExpectedTimeout } from "./test/matchers/runs.ts";
export { ebpfInstruction, ebpfObject } from "./test/programs/ebpf-object.ts";
export type { OptLevel, ProgramSource } from "./test/programs/source.ts";
export {
  type KprobeOptions,
  type PlainOptions,
  type ProgramOptions,
  rex,
  type TemplateTag,
  type TracepointOptions,
} from "./test/programs/templates.ts";
export type { GuestRefusalError } from "./test/rpc/call-errors.ts";
export type { Attachable } from "./test/worker/attachments.ts";
export { bytes, type Codec, i32, i64, type Prefix, prefix, u8, u16, u32, u64 } from "./test/worker/codecs.ts";
export type { CompiledProgram, Loadable, LoadOptions, TestContext } from "./test/worker/context.ts";
export type { ExpectSplatOptions } from "./test/worker/expected-splats.ts";
export type {
  Argument,
  ExecOptions,
  ExecOutput,
  GuestApi,
  GuestDisk,
  SyscallOptions,
  TriggerCall,
} from "./test/worker/guest-api.ts";
export type { AllHook, EachHook } from "./test/worker/hooks.ts";
export type { KernelInfo } from "./test/worker/kernel.ts";
export type { RexMap, RexQueue, UpdateMode } from "./test/worker/map.ts";
export type { Exchange, Filter, FilterPlace, Listening, NetApi } from "./test/worker/net-api.ts";
export type { Requirements, TestOptions } from "./test/worker/options.ts";
export { framesOfPcap, pcapOf, readPcap } from "./test/worker/pcap.ts";
export type { PerfEvent, PerfEvents } from "./test/worker/perf-events.ts";
export type { GuestUser, Permissions } from "./test/worker/permissions.ts";
export { bpfFolder, type PinnedApi } from "./test/worker/pinned.ts";
export type { AttachOptions, Link, Program, TestRunOptions } from "./test/worker/program.ts";
export { CompilerRejection, LoaderRejection, VerifierRejection } from "./test/worker/rejections.ts";
export { type RegisterEach, type RegisterTest, type RexTest, rexTest } from "./test/worker/rex-test.ts";
export type { RingBuffer, RingBufferRead } from "./test/worker/ring-buffer.ts";
export type { Observed, PacketRun, Run, TestRun } from "./test/worker/run.ts";
export type { TestFunction } from "./test/worker/test-life.ts";
export type { Storm } from "./test/worker/triggers.ts";
