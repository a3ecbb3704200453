// SPDX-License-Identifier: MIT
// Which page of docs/reference has what. Whatever runner/index.ts exports has a place here.

export interface Page {
  readonly file: string;
  readonly title: string;
  readonly about: string;
  readonly names: readonly string[];
}

export const pages: readonly Page[] = [
  {
    file: "tests.md",
    title: "Tests",
    about: "Registering tests, their options, and what a test function is given.",
    names: [
      "rexTest RexTest RegisterEach TestOptions Permissions Requirements",
      "TestContext Loadable LoadOptions KernelInfo",
    ].flatMap(words),
  },
  {
    file: "programs.md",
    title: "Programs",
    about: "Writing programs in a spec, loading and attaching them, and how they are refused.",
    names: [
      "rex KprobeOptions TracepointOptions PlainOptions ProgramSource",
      "Program AttachOptions AttachTarget Link ProgramStats TestRunOptions",
      "CompilerRejection LoaderRejection VerifierRejection ebpfInstruction ebpfObject",
    ].flatMap(words),
  },
  {
    file: "maps.md",
    title: "Maps",
    about: "Reading and writing the maps of programs.",
    names: [
      "RexMap RexQueue RingBuffer RingBufferRead PerfEvents PerfEvent",
      "Codec u8 u16 u32 i32 u64 i64 bytes prefix Prefix",
    ].flatMap(words),
  },
  {
    file: "guest.md",
    title: "The guest",
    about: "Making things happen in the guest, and seeing what happened.",
    names: [
      "GuestApi SyscallOptions Argument TriggerCall Storm ExecOutput",
      "Observed Run TestRun PacketRun ExitRecord InventoryResult LogRecord",
      "NetApi Exchange Listening Filter FilterPlace PinnedApi bpfFolder readPcap framesOfPcap pcapOf",
    ].flatMap(words),
  },
  {
    file: "assertions.md",
    title: "Assertions",
    about: "What `t.expect` knows beside [vitest's own matchers](https://vitest.dev/api/expect).",
    names: words(
      "Matchers RexAssertion ExpectedExit ExitReason ExpectedTimeout addMatchers OwnMatchers Matcher MatcherResult",
    ),
  },
];

/** Declared beside the exports: they are reached through `t.expect`. */
export const matcherNames: readonly string[] = ["Matchers", "RexAssertion"];

function words(text: string): string[] {
  return text.split(" ");
}
