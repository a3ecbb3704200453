// SPDX-License-Identifier: MIT
// The conversation between a test worker and the process that holds the guests. Guests live there, not in the workers: one owner
// for every QEMU, one queue in front of them, and later one pool.
import type {} from "vitest"; // for the augmentation below
import type { Hello, LogRecord, MethodName } from "../../protocol/generated.ts";
import type { GuestOrigin, GuestReport, GuestRequest, GuestVerdict } from "../guests/guest.ts";
import type { CompileResult } from "../programs/compiler.ts";
import type { CompilableSource } from "../programs/source.ts";
import type { StepState } from "../worker/steps.ts";

/** What a worker is told through vitest's `provide`. */
export interface WorkerSettings {
  /** Abstract Unix socket of the host. */
  readonly socketName: string;
  /** Proves that the worker is ours: anybody on the machine can connect to an abstract socket. */
  readonly token: string;
  /** Where failures keep their artifacts. */
  readonly artifactsFolder: string;
  readonly projectRoot: string;
  /** Of a test that does not say. */
  readonly defaultTimeoutMs: number;
  /** How many times longer limits of tests and calls are: a debugger stops the guest for as long as it likes. 1 if absent. */
  readonly patience?: number | undefined;
  /** Leaks are to be told with where they were acquired. */
  readonly traceLeaks?: boolean | undefined;
  /** Whether a test marked only is an error: it is one in CI. */
  readonly forbidOnly: boolean;
  /** Of a test that does not say. */
  readonly repeats: number;
  /** Of a test that does not say. */
  readonly isolate: Isolation;
  /** The guest of a test that failed is to be looked at before it is ended. */
  readonly pauseOnFailure: boolean;
  /** The kernel under test and the options that are on in it. */
  readonly kernel: KernelUnderTest;
  /** Those that single tests name, by their configs. */
  readonly namedKernels: Readonly<Record<string, KernelUnderTest>>;
}

/** One guest for each test; one for the tests of a file; one for all. Each of a kind, and as long as tests leave it as they found it. */
export type Isolation = "test" | "file" | "none";

export interface KernelUnderTest {
  readonly name: string;
  readonly path: string;
  readonly options: Readonly<Record<string, string>>;
}

declare module "vitest" {
  interface ProvidedContext {
    rexTest: WorkerSettings;
  }
}

export interface StartGuestParams extends GuestRequest {
  /** Name of the test, for the display. */
  readonly test: string;
  readonly specFile: string;
  /** In which the worker means to be done with the guest. */
  readonly limitMs: number;
}

export type StartGuestResult =
  | {
      readonly started: true;
      readonly guest: number;
      readonly hello: Hello;
      readonly readyMs: number;
      readonly queuedMs: number;
      readonly origin: GuestOrigin;
    }
  | { readonly started: false; readonly report: GuestReport & { readonly verdict: GuestVerdict } };

export interface CallGuestParams {
  readonly guest: number;
  readonly method: MethodName;
  readonly params: unknown;
  readonly timeoutMs: number;
}

export interface HostMethods {
  join: { params: { token: string }; result: Record<string, never> };
  compile: { params: { source: CompilableSource; kernel?: string | undefined }; result: CompileResult };
  startGuest: { params: StartGuestParams; result: StartGuestResult };
  callGuest: { params: CallGuestParams; result: unknown };
  checkGuest: { params: { guest: number }; result: { answering: boolean } };
  /** Answered when somebody has looked at the guest. */
  pauseGuest: { params: { guest: number; reason: string }; result: Record<string, never> };
  /** `keep`: it is as it was, and may serve another test of its scope. */
  finishGuest: { params: { guest: number; keep: boolean }; result: GuestReport };
}

export type HostMethod = keyof HostMethods;

/** What a worker says unasked. */
export type WorkerEvent = {
  readonly event: "step";
  readonly params: {
    readonly guest: number;
    readonly path: readonly string[];
    readonly state: StepState;
  };
};

export type HostEvent =
  | {
      readonly event: "guestOver";
      readonly params: { readonly guest: number; readonly verdict: GuestVerdict };
    }
  | {
      readonly event: "guestLog";
      readonly params: { readonly guest: number; readonly records: readonly LogRecord[] };
    };
