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
      "rexTest RexTest RegisterTest RegisterEach TestFunction EachHook AllHook TestOptions Isolation Permissions GuestUser Requirements",
      "TestContext Loadable LoadOptions CompiledProgram Attachable ExpectSplatOptions KernelInfo KernelConfig Slowness",
    ].flatMap(words),
  },
  {
    file: "programs.md",
    title: "Programs",
    about: "Writing programs in a spec, loading and attaching them, and how they are refused.",
    names: [
      "rex TemplateTag KprobeOptions TracepointOptions PlainOptions ProgramOptions OptLevel ProgramSource",
      "Program AttachOptions AttachTarget XdpMode TcDirection ProgramInfo Link ProgramStats TestRunOptions",
      "CompilerRejection LoaderRejection VerifierRejection GuestRefusalError ErrorBody ErrorKind Blame ebpfInstruction ebpfObject",
    ].flatMap(words),
  },
  {
    file: "maps.md",
    title: "Maps",
    about: "Reading and writing the maps of programs.",
    names: [
      "RexMap UpdateMode MapInfo RexQueue RingBuffer RingBufferRead PerfEvents PerfEvent",
      "Codec u8 u16 u32 i32 u64 i64 bytes prefix Prefix",
    ].flatMap(words),
  },
  {
    file: "guest.md",
    title: "The guest",
    about: "Making things happen in the guest, and seeing what happened.",
    names: [
      "GuestApi SyscallOptions Argument TriggerCall Storm ExecOptions ExecOutput GuestDisk Hello KernelSymbol",
      "Observed Run TestRun PacketRun ExitRecord ExitFrame LogRecord U64",
      "InventoryResult InventoryProgram InventoryMap InventoryLink InventoryModule InventorySlab InventoryHandles",
      "NetApi NetDevice VethAddResult Exchange Listening Filter FilterPlace PinnedApi bpfFolder readPcap framesOfPcap pcapOf",
    ].flatMap(words),
  },
  {
    file: "assertions.md",
    title: "Assertions",
    about: "What `t.expect` knows beside [vitest's own matchers](https://vitest.dev/api/expect).",
    names: words(
      "RexExpect RexAssertion Matchers Pattern ExpectedExit ExitReason ExpectedTimeout addMatchers OwnMatchers Matcher MatcherResult",
    ),
  },
];

/** Added to vitest's types, and reached through `t.expect`. */
export const matcherNames: readonly string[] = ["Matchers"];

function words(text: string): string[] {
  return text.split(" ");
}
