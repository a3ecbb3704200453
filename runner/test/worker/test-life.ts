// SPDX-License-Identifier: MIT
// The life of one test: a guest of its own, the test function, the sanitizers, the verdict. Exactly one verdict comes out,
// whatever happens, and the first cause is the one that is told.
import type { ExitRecord } from "../../protocol/generated.ts";
import { timestamp } from "../../support/clock.ts";
import { messageOf } from "../../support/errors.ts";
import type { GuestReport, GuestVerdict, GuestWish } from "../guests/guest.ts";
import type { RexExpect } from "../matchers/index.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { FailureDetails, Verdict } from "../outcome/verdict.ts";
import type { CompileResult } from "../programs/compiler.ts";
import type { CompilableSource } from "../programs/source.ts";
import { markAsFollowing } from "../rpc/call-errors.ts";
import { Artifacts, UsedPrograms } from "./artifacts.ts";
import { Attachments } from "./attachments.ts";
import { type BodyEnd, conclude, describeEnd, outcomeOfVerdict, reasonOf } from "./conclude.ts";
import { TestContext } from "./context.ts";
import { ExpectedSplats } from "./expected-splats.ts";
import { GuestApi } from "./guest-api.ts";
import { GuestCalls } from "./guest-calls.ts";
import { GuestSettings } from "./guest-settings.ts";
import type { HooksOfTest } from "./hooks.ts";
import { hostLink, type RemoteGuest, workerSettings } from "./host-link.ts";
import { kernelInfo, kernelUnderTest } from "./kernel.ts";
import type { CheckedOptions } from "./options.ts";
import { describeSplat, Sanitizers } from "./sanitizers.ts";
import { Steps } from "./steps.ts";
import { withSourceLines } from "./symbolised.ts";

export type TestFunction = (t: TestContext) => unknown;

export interface TestSubject {
  readonly name: string;
  readonly specFile: string;
  readonly taskId: string;
  /** From 1. */
  readonly attempt: number;
  readonly options: CheckedOptions;
  readonly fn: TestFunction;
  readonly hooks: HooksOfTest;
  readonly expect: RexExpect;
  /** Messages of the soft assertions of this attempt that failed so far. */
  readonly softFailures: () => readonly string[];
  /** Aborted when the run is cancelled. */
  readonly signal: AbortSignal;
}

export interface LifeResult {
  readonly verdict: Verdict;
  /** What vitest is to show; absent on a pass, and when only soft assertions failed, which it knows. */
  readonly error?: unknown;
}

export async function liveTest(subject: TestSubject): Promise<LifeResult> {
  const settings = workerSettings();
  const artifacts = await Artifacts.create(settings.artifactsFolder, subject);
  const timeoutMs =
    (subject.options.timeoutMs ?? settings.defaultTimeoutMs) *
    kernelInfo(subject.options.kernel).slowness.time;
  const link = await hostLink();
  const queuedAt = timestamp();
  const wish = wishOf(subject.options);
  const started = await link.start(
    {
      test: subject.name,
      ...wish,
      scope: scopeOf(subject),
      consoleFile: artifacts.consoleFile,
      // Hooks after the test have as much time again.
      limitMs: timeoutMs * (subject.hooks.after.length > 0 ? 2 : 1),
      specFile: subject.specFile,
    },
    subject.signal,
  );
  if (!started.started) {
    const outcome = outcomeOfVerdict(started.report.verdict, "while the guest booted: ");
    await artifacts.keep({ outcome, report: started.report, exits: [], programs: [] });
    const failure = {
      report: started.report,
      exits: [],
      artifacts: artifacts.folder,
      artifactsTrouble: artifacts.trouble,
      guest: wish,
    };
    return {
      verdict: { outcome, durationMs: 0, queuedMs: 0, readyMs: 0, queuedAt, steps: [], failure },
      error: new Error(reasonOf(outcome)),
    };
  }
  return new TestLife(subject, started.guest, artifacts, { timeoutMs, queuedAt }).live();
}

/** Tests that may share a guest have the same. What a test did to a disk or to its place in a network nobody can see and take back. */
function scopeOf({ options, specFile }: TestSubject): string | undefined {
  if (options.permissions.net !== undefined || options.permissions.diskMiB !== undefined) return undefined;
  const level = options.isolate ?? workerSettings().isolate;
  return { test: undefined, file: specFile, none: "" }[level];
}

function wishOf(options: CheckedOptions): GuestWish {
  const { cpus, cpusTakeTurns, memoryMiB, kernelParameters, permissions, kernel } = options;
  const { hostTools, net, diskMiB } = permissions;
  return { cpus, cpusTakeTurns, memoryMiB, kernelParameters, hostTools, net, diskMiB, kernel };
}

class TestLife {
  readonly #subject: TestSubject;
  readonly #guest: RemoteGuest;
  readonly #artifacts: Artifacts;
  readonly #timeoutMs: number;
  readonly #queuedAt: number;
  readonly #steps = new Steps((path, state) => this.#guest.tellStep(path, state));
  readonly #attachments: Attachments;
  readonly #programs = new UsedPrograms();
  readonly #expectedSplats = new ExpectedSplats();
  readonly #over = new AbortController();
  readonly #startedAt = performance.now();
  /** What went wrong after the first cause, and is told behind it. */
  readonly #alsoFailed: string[] = [];

  constructor(
    subject: TestSubject,
    guest: RemoteGuest,
    artifacts: Artifacts,
    { timeoutMs, queuedAt }: { readonly timeoutMs: number; readonly queuedAt: number },
  ) {
    this.#subject = subject;
    this.#guest = guest;
    this.#artifacts = artifacts;
    this.#attachments = new Attachments(artifacts.folder);
    this.#timeoutMs = timeoutMs;
    this.#queuedAt = queuedAt;
  }

  async live(): Promise<LifeResult> {
    const { slowness, config } = kernelInfo(this.#subject.options.kernel);
    const calls = new GuestCalls(this.#guest, this.#over.signal, slowness.time, config);
    const api = new GuestApi(calls, this.#subject.options.permissions);
    let complaints: readonly string[] = [];
    let exits: readonly ExitRecord[] = [];
    let end: BodyEnd;
    let keep = false;
    try {
      const { sanitize } = this.#subject.options;
      const context = this.#context(calls, api);
      const isKept = this.#guest.origin === "kept";
      if (isKept) await this.#orGuestOver(api.startAnew());
      const kernelSettings =
        scopeOf(this.#subject) === undefined
          ? undefined
          : await this.#orGuestOver(GuestSettings.remember(calls.unobserved()));
      const sanitizers = await this.#orGuestOver(
        Sanitizers.begin(api, calls, sanitize, {
          traceLeaks: workerSettings().traceLeaks ? this.#subject.specFile : undefined,
          isKept,
        }),
      );
      end = await this.#runBody(context);
      // Before anything is released: its programs are part of what there is to see.
      if (end.kind !== "returned" && end.kind !== "cancelled") await this.#pause(describeEnd(end));
      if (end.kind === "returned" || end.kind === "failed-softly" || end.kind === "threw") {
        exits = await this.#orGuestOver(api.peekExits());
        await this.#orGuestOver(context.release());
        if (end.kind !== "threw")
          complaints = await this.#orGuestOver(sanitizers.complaints(this.#expectedSplats.areThere));
        if (end.kind === "returned" && complaints.length > 0) await this.#pause(complaints.join("\n"));
        // What was not looked for may be there.
        if (end.kind === "returned" && complaints.length === 0 && sanitize.resources && sanitize.taint)
          keep = await this.#orGuestOver(this.#isAsItWas(kernelSettings));
      }
    } catch (error) {
      // The body's own error is never thrown here: this is the guest, or the way to it.
      end =
        error instanceof GuestOver
          ? { kind: "guest-over", verdict: error.verdict }
          : { kind: "threw", error };
    }
    const reason = new Error(`its test "${this.#subject.name}" is over; is an await missing?`);
    // A test that fails does not come to what it would have awaited.
    if (end.kind !== "returned") markAsFollowing(reason);
    this.#over.abort(reason);
    const report = await this.#guest.finish(keep);
    return this.#conclude(end, complaints, exits, report);
  }

  /** Whether another test may have the guest. What this one has set in it is set back. */
  async #isAsItWas(settings: GuestSettings | undefined): Promise<boolean> {
    return settings !== undefined && !this.#expectedSplats.areThere && (await settings.restore());
  }

  async #pause(reason: string): Promise<void> {
    if (workerSettings().pauseOnFailure) await this.#guest.pause(reason);
  }

  #context(calls: GuestCalls, guest: GuestApi): TestContext {
    return new TestContext({
      specFile: this.#subject.specFile,
      guest,
      kernel: kernelInfo(this.#subject.options.kernel),
      calls,
      expectedSplats: this.#expectedSplats,
      expect: this.#subject.expect,
      signal: AbortSignal.any([this.#over.signal, this.#subject.signal]),
      steps: this.#steps,
      attachments: this.#attachments,
      compile: (source) => this.#compile(source),
      onSource: (source) => this.#programs.add(source),
    });
  }

  async #compile(source: CompilableSource): Promise<CompileResult> {
    const built = await (await hostLink()).compile({ source, kernel: this.#subject.options.kernel });
    this.#programs.add(source, built);
    return built;
  }

  /** The test function with its hooks: those after it run however it ended, as long as there is a guest. */
  async #runBody(context: TestContext): Promise<BodyEnd> {
    const { hooks, fn } = this.#subject;
    const end = await this.#withinLimits(async () => {
      for (const hook of hooks.before) await this.#steps.attribute(["beforeEach hook"], () => hook(context));
      await fn(context);
      context.expectNoStepsRunning();
    });
    if (end.kind === "guest-over" || end.kind === "cancelled" || hooks.after.length === 0)
      return this.#withSoftFailures(end);
    const after = await this.#withinLimits(async () => {
      for (const hook of hooks.after) {
        // When the test itself has failed already, the hook is not to blame.
        if (end.kind !== "returned") await hook(context);
        else await this.#steps.attribute(["afterEach hook"], () => hook(context));
      }
    }, " in its afterEach hooks");
    if (end.kind !== "returned" && after.kind === "threw")
      this.#alsoFailed.push(`an afterEach hook failed as well: ${messageOf(after.error)}`);
    // The test's own failure came first.
    return this.#withSoftFailures(end.kind === "returned" || after.kind === "guest-over" ? after : end);
  }

  #withSoftFailures(end: BodyEnd): BodyEnd {
    const messages = this.#subject.softFailures();
    return end.kind === "returned" && messages.length > 0 ? { kind: "failed-softly", messages } : end;
  }

  /** The test's code against its limit, the guest's end and the run's cancellation. */
  async #withinLimits(code: () => Promise<void>, during = ""): Promise<BodyEnd> {
    const body = code().then(
      (): BodyEnd => ({ kind: "returned" }),
      (error: unknown): BodyEnd => ({ kind: "threw", error }),
    );
    const interrupted = Promise.withResolvers<BodyEnd>();
    const timeoutMs = this.#timeoutMs;
    const timer = setTimeout(() => interrupted.resolve({ kind: "timed-out", timeoutMs, during }), timeoutMs);
    const onAbort = () => interrupted.resolve({ kind: "cancelled" });
    if (this.#subject.signal.aborted) onAbort();
    this.#subject.signal.addEventListener("abort", onAbort, { once: true });
    void this.#guest.over.then((verdict) => interrupted.resolve({ kind: "guest-over", verdict }));
    try {
      const end = await Promise.race([body, interrupted.promise]);
      if (end.kind === "timed-out") await this.#guest.isAnswering(); // the report then knows whether the guest hangs
      return end;
    } finally {
      clearTimeout(timer);
      this.#subject.signal.removeEventListener("abort", onAbort);
    }
  }

  async #orGuestOver<T>(work: Promise<T>): Promise<T> {
    const over = this.#guest.over.then((verdict): never => {
      throw new GuestOver(verdict);
    });
    return Promise.race([work, over]);
  }

  async #conclude(
    end: BodyEnd,
    complaints: readonly string[],
    exits: readonly ExitRecord[],
    report: GuestReport,
  ): Promise<LifeResult> {
    const judgement = this.#expectedSplats.judge(report.splats.filter(isComplaint));
    const all = [...complaints, ...judgement.missing];
    if (this.#subject.options.sanitize.splat) all.push(...judgement.unexpected.map(describeSplat));
    const { outcome: first, error } = conclude(end, all, report);
    const outcome: Outcome =
      first.kind === "passed" ? first : { ...first, reason: [first.reason, ...this.#alsoFailed].join("\n") };
    const common = {
      outcome,
      durationMs: Math.round(performance.now() - this.#startedAt),
      queuedMs: this.#guest.queuedMs,
      readyMs: this.#guest.readyMs,
      queuedAt: this.#queuedAt,
      origin: this.#guest.origin,
      steps: this.#steps.records,
      ...(this.#attachments.list.length > 0 ? { attachments: this.#attachments.list } : {}),
    };
    if (outcome.kind === "passed") {
      await this.#artifacts.discard(this.#attachments.list.length > 0);
      return { verdict: common };
    }
    const shown = await withSourceLines(
      { report, exits },
      this.#programs.all,
      kernelUnderTest(this.#subject.options.kernel).path,
    );
    const programs = await this.#artifacts.keep({ outcome, ...shown, programs: this.#programs.all });
    const failure: FailureDetails = {
      step: this.#steps.failed,
      ...shown,
      artifacts: this.#artifacts.folder,
      artifactsTrouble: this.#artifacts.trouble,
      programs,
      guest: wishOf(this.#subject.options),
    };
    return { verdict: { ...common, failure }, error };
  }
}

class GuestOver extends Error {
  readonly verdict: GuestVerdict;

  constructor(verdict: GuestVerdict) {
    super(verdict.reason);
    this.verdict = verdict;
  }
}

/** Crashes are told by the verdict; every other splat is a complaint. */
function isComplaint(splat: { readonly severity: string }): boolean {
  return splat.severity === "warning";
}
