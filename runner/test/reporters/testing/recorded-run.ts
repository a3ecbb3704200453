// SPDX-License-Identifier: MIT
// A run as reporters are told of it, with everything that can happen: for their tests.
import type { ExitRecord } from "../../../protocol/generated.ts";
import type { GuestReport } from "../../guests/guest.ts";
import { countOutcomes, exitCodeOf } from "../../outcome/outcome.ts";
import type { Splat } from "../../outcome/splat.ts";
import type { Verdict } from "../../outcome/verdict.ts";
import type { Output } from "../output.ts";
import type { Activity, Reporter, RunSummary, TestReport } from "../reporter.ts";

export const cwd = "/project";
/** Everything that means something to one of the formats, and characters of other alphabets. */
export const hostileName = `<b>&"quotes"'</b> # \\ % :: ]]> ,colon: \`\`\` </script> grüße 🦀\nsecond line`;
export const hostileConsole = "<script>alert(1)</script> & ::error::no ]]> 日本語";

const startedAt = 1_700_000_000_000;

export const panicSplat: Splat = {
  kind: "panic",
  severity: "critical",
  title: "kernel panic: <sysrq> & more",
  firstLine: 1,
  lines: ["Kernel panic - not syncing: <sysrq>", " panic+0x1/0x2", "---[ end Kernel panic ]---"],
};

export const exitRecord: ExitRecord = {
  seq: 1,
  progId: 7,
  prog: "prog",
  object: "program",
  reason: "panic",
  cpu: 0,
  level: "task",
  pid: 40,
  comm: "trigger-0",
  atNs: 5,
  durationNs: 2_000_000,
  stackUsed: 1_568,
  count: 1,
  retval: "0",
  location: "src/main.rs:2:3",
  message: "index out of bounds: <the len> is 3",
  released: ["task"],
  frames: [{ address: "1", symbol: "program::prog+0x3f/0x3f (src/main.rs:2)" }],
};

export function guestReport(more: Partial<GuestReport> = {}): GuestReport {
  return {
    splats: [],
    consoleFile: "/nowhere/console.log",
    consoleTail: ["[    0.1] boot", hostileConsole],
    consoleTailStart: 0,
    commandLine: "qemu-system-x86_64 -append 'console=hvc0'",
    qmpLog: ['+0 ms -> {"execute":"qmp_capabilities"}'],
    ...more,
  };
}

export function verdict(more: Partial<Verdict> = {}): Verdict {
  return {
    outcome: { kind: "passed" },
    durationMs: 300,
    queuedMs: 20,
    readyMs: 100,
    queuedAt: startedAt,
    origin: "clone",
    steps: [],
    ...more,
  };
}

export function testReport(name: string, more: Partial<TestReport> = {}): TestReport {
  const passed = (more.verdict?.outcome.kind ?? "passed") === "passed";
  return {
    ...(passed ? {} : { id: `id-${name.length}` }),
    file: "specs/panic/a.spec.ts",
    line: 4,
    name,
    verdict: verdict(),
    errors: [],
    rerun: "rex-test run specs/panic/a.spec.ts --filter …",
    ...more,
  };
}

const step = (name: string, depth: number, ok: boolean) => ({
  name,
  depth,
  startedMs: 5,
  durationMs: 10,
  ok,
});

export const recordedTests: readonly TestReport[] = [
  testReport("passes"),
  testReport("passes in steps", {
    verdict: verdict({
      steps: [step("outer", 0, true), step("inner # 1", 1, false), step("second", 0, true)],
    }),
  }),
  testReport(hostileName, {
    verdict: verdict({
      outcome: { kind: "failed", reason: "expected 1 to be 2\n  <indented> & more\u0007" },
      steps: [step("load", 0, true), step("call", 0, false)],
      failure: {
        report: guestReport(),
        exits: [exitRecord],
        artifacts: "/project/artifacts/run/test",
        step: "call",
      },
    }),
    errors: [{ message: "expected 1 to be 2", diff: "- 2\n+ 1\n\n  ...", at: "specs/panic/a.spec.ts:12:5" }],
  }),
  testReport("crashes", {
    file: "specs/loader/b.spec.ts",
    verdict: verdict({
      outcome: { kind: "kernel-crashed", reason: panicSplat.title, splat: panicSplat },
      failure: { report: guestReport({ splats: [panicSplat] }), exits: [] },
    }),
  }),
  testReport("hangs", {
    file: "specs/loader/b.spec.ts",
    verdict: verdict({
      outcome: { kind: "guest-hung", reason: "the guest did not answer a ping within 10000 ms" },
      failure: { report: guestReport(), exits: [] },
    }),
  }),
  testReport("has no guest", {
    verdict: verdict({ outcome: { kind: "infrastructure-failed", reason: "QEMU ended\nwith exit code 1" } }),
  }),
  testReport("comes too late", {
    id: undefined,
    verdict: verdict({ outcome: { kind: "never-ran", reason: "the run was interrupted" } }),
  }),
  testReport("passes at last", {
    flaky: true,
    tags: ["slow"],
    attempts: [
      { repeat: 0, verdict: verdict({ outcome: { kind: "failed", reason: "not yet" } }), errors: [] },
      { repeat: 0, verdict: verdict(), errors: [] },
    ],
  }),
];

export const recordedSummary: RunSummary = (() => {
  const counts = countOutcomes([...recordedTests.map((test) => test.verdict.outcome.kind), "failed"]);
  return {
    tests: recordedTests,
    ignored: [{ file: "specs/panic/a.spec.ts", name: "not here", reason: "this kernel is without CONFIG_X" }],
    brokenFiles: [
      { file: "specs/broken.spec.ts", message: "Unexpected token\n  at specs/broken.spec.ts:3:7" },
    ],
    stray: [{ message: "nobody awaited this" }],
    counts,
    exitCode: exitCodeOf(counts),
    durationMs: 4_000,
    interrupted: false,
  };
})();

/** Tells a reporter of the whole run. */
export async function replay(reporter: Reporter, summary: RunSummary = recordedSummary): Promise<void> {
  const { tests, ignored, brokenFiles } = summary;
  const total = tests.length;
  const byFile = [...Map.groupBy([...tests, ...ignored], ({ file }) => file)];
  const plan = [
    ...byFile.map(([file, ofFile]) => ({ file, tests: ofFile.length })),
    ...brokenFiles.map(({ file }) => ({ file, tests: 0 })),
  ];
  reporter.onStart?.({ files: 3, tests: total, plan, kernel: "6.12-rex", machine: "microvm, TCG", jobs: 2 });
  for (const file of brokenFiles) reporter.onBrokenFile?.(file);
  for (const [index, test] of tests.entries()) {
    for (const activity of activitiesOf(test, index)) reporter.onActivity?.(activity);
    if (index === 0) reporter.onConsole?.("a spec says hello\n");
    if (index === 1) reporter.onNotice?.("a clone did not start, another one is made");
    reporter.onTest?.(test);
  }
  for (const test of ignored) reporter.onIgnored?.(test);
  await reporter.onEnd?.(summary);
}

export function activitiesOf({ file, name, verdict: { steps } }: TestReport, index = 0): readonly Activity[] {
  const at = startedAt + index * 500;
  const common = { file, test: name };
  return [
    { ...common, kind: "queued", at },
    { ...common, kind: "booting", at: at + 20 },
    { ...common, kind: "running", at: at + 120, readyMs: 100, origin: "clone" },
    ...steps.map(
      (one): Activity => ({ ...common, kind: "step", at: at + 125, path: [one.name], state: "begun" }),
    ),
    { ...common, kind: "finished", at: at + 420 },
  ];
}

/** Keeps what is written. */
export class MemoryOutput implements Output {
  readonly colour: boolean;
  text = "";
  state: "open" | "finished" | "discarded" = "open";

  constructor(colour = false) {
    this.colour = colour;
  }

  write(text: string): void {
    this.text += text;
  }

  finish(): void {
    this.state = "finished";
  }

  discard(): void {
    this.state = "discarded";
  }
}
