// SPDX-License-Identifier: MIT
// The public API: what a spec imports from "rex-test".
import "./test/matchers/index.ts";

export type {
  AttachTarget,
  ExitRecord,
  InventoryResult,
  LogRecord,
  ProgramStats,
} from "./protocol/generated.ts";
// All of it, so that projects can add to OwnMatchers: TypeScript merges into no name that is exported by itself.
export * from "./test/matchers/own.ts";
export type { MatcherResult } from "./test/matchers/result.ts";
export type { ExitReason, ExpectedExit, ExpectedTimeout } from "./test/matchers/runs.ts";
export { ebpfInstruction, ebpfObject } from "./test/programs/ebpf-object.ts";
export type { ProgramSource } from "./test/programs/source.ts";
export {
  type KprobeOptions,
  type PlainOptions,
  rex,
  type TracepointOptions,
} from "./test/programs/templates.ts";
export { bytes, type Codec, i32, i64, type Prefix, prefix, u8, u16, u32, u64 } from "./test/worker/codecs.ts";
export type { Loadable, LoadOptions, TestContext } from "./test/worker/context.ts";
export type { Argument, ExecOutput, GuestApi, SyscallOptions, TriggerCall } from "./test/worker/guest-api.ts";
export type { KernelInfo } from "./test/worker/kernel.ts";
export type { RexMap, RexQueue } from "./test/worker/map.ts";
export type { Exchange, Filter, FilterPlace, Listening, NetApi } from "./test/worker/net-api.ts";
export type { Permissions, Requirements, TestOptions } from "./test/worker/options.ts";
export { framesOfPcap, pcapOf, readPcap } from "./test/worker/pcap.ts";
export type { PerfEvent, PerfEvents } from "./test/worker/perf-events.ts";
export { bpfFolder, type PinnedApi } from "./test/worker/pinned.ts";
export type { AttachOptions, Link, Program, TestRunOptions } from "./test/worker/program.ts";
export { CompilerRejection, LoaderRejection, VerifierRejection } from "./test/worker/rejections.ts";
export { type RegisterEach, type RexTest, rexTest } from "./test/worker/rex-test.ts";
export type { RingBuffer, RingBufferRead } from "./test/worker/ring-buffer.ts";
export type { Observed, PacketRun, Run, TestRun } from "./test/worker/run.ts";
export type { Storm } from "./test/worker/triggers.ts";
