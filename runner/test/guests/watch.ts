// SPDX-License-Identifier: MIT
// Watches a machine from outside: classifies its console as it comes and decides what the guest died of. The first cause
// wins; what follows from it (a closed port, an unanswered call, QEMU's exit) does not replace it.
import type { VirtualMachine } from "../../../qemu/virtual-machine.ts";
import { type Splat, SplatClassifier } from "../outcome/splat.ts";
import type { GuestReport, GuestVerdict } from "./guest.ts";
import { whereCpusAre } from "./where-cpus-are.ts";

/** A crash is announced when its trace has been printed: nothing new for this long, or at most this much later. */
const quietMs = 150;
const settleLimitMs = 2_000;
const tailLines = 80;
/** Panics that say nothing about the kernel under test, only that what we put into the guest does not work in it. */
const noInit =
  /Attempted to kill init!|No working init found|Requested init \S+ failed|Unable to mount root fs/;

/** What QEMU says of a file that it can't boot. */
const imageTrouble = /loading (?:elf|uncompressed) kernel|could not load kernel/i;

export class GuestWatch {
  readonly over: Promise<GuestVerdict>;
  /** For the report. */
  consoleFile: string;
  readonly #vm: VirtualMachine;
  readonly #classifier = new SplatClassifier();
  readonly #announce: (verdict: GuestVerdict) => void;
  #lines = 0;
  #earlierSplats = 0;
  #cause: GuestVerdict | undefined;
  #isLooking = false;
  #quietTimer: NodeJS.Timeout | undefined;
  #limitTimer: NodeJS.Timeout | undefined;

  constructor(vm: VirtualMachine, consoleFile = "") {
    const { promise, resolve } = Promise.withResolvers<GuestVerdict>();
    this.over = promise;
    this.#announce = resolve;
    this.#vm = vm;
    this.consoleFile = consoleFile;
    vm.console.onLine((line) => this.#read(line));
    void vm.ended.then((end) => {
      if (end.kind === "reset") {
        this.declare({
          kind: "kernel-crashed",
          reason: "the machine reset itself without a word on the console (a triple fault does that)",
        });
      } else if (end.kind === "poweroff") {
        this.declare({ kind: "infrastructure-failed", reason: "the guest powered itself off" });
      } else if (end.kind === "qemu-failed") {
        const how = end.signal
          ? `was ended by ${end.signal}`
          : `ended with exit code ${end.exitCode ?? "unknown"}`;
        const detail = imageTrouble.test(end.stderr)
          ? `${end.stderr}\nthe kernel image may be damaged: ${vm.machine.kernel}\n` +
            "rex-test cache clear kernels, and then rex-test kernel build, makes a new one"
          : end.stderr;
        this.declare({ kind: "infrastructure-failed", reason: `QEMU ${how}`, detail });
      }
      this.#publish();
    });
  }

  get verdict(): GuestVerdict | undefined {
    return this.#cause;
  }

  get splats(): readonly Splat[] {
    return this.#classifier.splats.slice(this.#earlierSplats);
  }

  /** What there was so far has been reported. */
  startAnew(): void {
    this.#earlierSplats = this.#classifier.splats.length;
  }

  /** Says what the guest died of, unless that is known already. */
  declare(verdict: GuestVerdict): void {
    if (this.#cause !== undefined) return;
    this.#cause = verdict;
    this.#settle();
  }

  /** The same of a guest that says nothing: its console log is told first where its CPUs are. A recording must not be touched. */
  declareSilent(verdict: GuestVerdict): void {
    if (this.#cause !== undefined) return;
    if (this.#vm.machine.recording !== undefined) {
      this.declare(verdict);
      return;
    }
    this.#cause = verdict;
    this.#isLooking = true;
    void whereCpusAre(this.#vm).then((lines) => {
      this.#vm.console.note(lines);
      this.#isLooking = false;
      this.#settle();
    });
  }

  report(readyMs: number | undefined): GuestReport {
    const lines = this.#vm.console.lines;
    const tail = lines.slice(-tailLines);
    return {
      verdict: this.#cause,
      splats: this.splats,
      consoleFile: this.consoleFile,
      consoleTail: tail,
      consoleTailStart: Math.max(0, this.#lines - tail.length),
      commandLine: this.#vm.commandLine,
      qmpLog: this.#vm.qmp.log,
      readyMs,
    };
  }

  #read(line: string): void {
    this.#lines += 1;
    if (this.#cause !== undefined) this.#waitForQuiet();
    const splat = this.#classifier.feed(line);
    if (splat?.severity !== "critical") return;
    this.declare(
      noInit.test(line)
        ? {
            kind: "infrastructure-failed",
            reason: "the agent died or could not be started, and it is the guest's init",
            detail: line,
          }
        : { kind: "kernel-crashed", reason: splat.title, splat },
    );
  }

  #settle(): void {
    this.#limitTimer = setTimeout(() => this.#publish(), settleLimitMs);
    this.#waitForQuiet();
  }

  #waitForQuiet(): void {
    clearTimeout(this.#quietTimer);
    if (this.#isLooking) return;
    this.#quietTimer = setTimeout(() => this.#publish(), quietMs);
  }

  /** A crash was declared at its first line; what it is called may depend on its trace. */
  #withWholeSplat(verdict: GuestVerdict): GuestVerdict {
    if (verdict.kind !== "kernel-crashed" || verdict.splat === undefined) return verdict;
    const { firstLine } = verdict.splat;
    const splat = this.splats.find((found) => found.firstLine === firstLine);
    return splat === undefined ? verdict : { ...verdict, reason: splat.title, splat };
  }

  #publish(): void {
    clearTimeout(this.#quietTimer);
    clearTimeout(this.#limitTimer);
    if (this.#cause === undefined) return;
    this.#cause = this.#withWholeSplat(this.#cause);
    this.#announce(this.#cause);
  }
}
