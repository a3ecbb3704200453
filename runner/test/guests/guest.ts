// SPDX-License-Identifier: MIT
// What the rest of the framework may know about a guest, however it came to be: booted (boot-provider.ts) or cloned
// (clone-provider.ts).
import type { Duplex } from "node:stream";
import type { Doors } from "../../../qemu/doors.ts";
import type { Translations } from "../../../qemu/machine.ts";
import type { TranslatedBlocks } from "../../../qemu/translations/translated-blocks.ts";
import type { Hello, LogRecord, MethodName, Methods } from "../../protocol/generated.ts";
import type { Splat } from "../outcome/splat.ts";

/** The machine that a test asks for. */
export interface GuestWish {
  readonly cpus: number;
  /** See Machine. */
  readonly cpusTakeTurns?: boolean | undefined;
  readonly memoryMiB: number;
  /** Added to the kernel command line. */
  readonly kernelParameters: readonly string[];
  /** The host's file system can be mounted read-only. */
  readonly hostTools: boolean;
  /** See Machine. */
  readonly net?: "restricted" | "open" | undefined;
  readonly diskMiB?: number | undefined;
  readonly translations?: Translations | undefined;
  /** Configs of the kernel that it boots; the run's if absent. */
  readonly kernel?: string | undefined;
}

/** What a test asks of its guest. */
export interface GuestRequest extends GuestWish {
  /** Where the console log goes. */
  readonly consoleFile: string;
  /** Tests with the same scope may have used the guest before, and may use it afterwards; absent: it is the test's own. "" is the run. */
  readonly scope?: string | undefined;
}

/** How guests are made: each is forked of one that runs, cloned of a saved one, or booted. Where the first is not possible it is the next. */
export const guestWays = ["fork", "clone", "boot"] as const;
export type GuestWay = (typeof guestWays)[number];

/** "kept": another test has used it before. */
export type GuestOrigin = "boot" | "clone" | "fork" | "kept";

/** What is to be said about a guest that can't be used any more. The first cause is kept. */
export type GuestVerdict =
  | { readonly kind: "kernel-crashed"; readonly reason: string; readonly splat?: Splat | undefined }
  | { readonly kind: "guest-hung"; readonly reason: string }
  | { readonly kind: "infrastructure-failed"; readonly reason: string; readonly detail?: string | undefined };

/** All that is known about a guest when it is over. */
export interface GuestReport {
  /** Absent when it was well until it was ended. */
  readonly verdict?: GuestVerdict | undefined;
  readonly splats: readonly Splat[];
  /** What is missing of source lines, and how to get it. */
  readonly symbolNote?: string | undefined;
  readonly consoleFile: string;
  readonly consoleTail: readonly string[];
  /** Line number of the tail's first line in the whole log, from 0. */
  readonly consoleTailStart: number;
  /** Boots such a guest, also where this one was cloned. */
  readonly commandLine: string;
  /** The newest messages to and from QEMU's control socket, a line each, with the ms since its start. */
  readonly qmpLog?: readonly string[] | undefined;
  /** From the wish for a guest, when its turn had come, to the agent's first words. */
  readonly readyMs?: number | undefined;
}

export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The conversation with the agent, below requests and answers. */
export interface GuestWire {
  /** Whole frames, whatever is in them. */
  send(bytes: Uint8Array): void;
  /** Told about answers to what no call has asked. */
  onStray: ((message: object) => void) | undefined;
}

export interface Guest extends AsyncDisposable {
  readonly hello: Hello;
  readonly readyMs: number;
  readonly origin: GuestOrigin;
  /** The newest lines of the console. */
  readonly console: readonly string[];
  /** The serial console as it is, both ways. */
  readonly terminal: Duplex;
  /** For those who put the agent to the test. */
  readonly wire?: GuestWire;
  /** Of a guest that was asked for with translations. */
  readonly translations?: TranslatedBlocks | undefined;
  /** Settles when the guest can't be used any more, other than by `finish`. */
  readonly over: Promise<GuestVerdict>;
  call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    limits: CallLimits,
  ): Promise<Methods[M]["result"]>;
  /** Whether the agent answers a ping in good time; if not, the guest is over. */
  isAnswering(): Promise<boolean>;
  /** Ways into its machine for a person; undefined when that has ended already. */
  openDoors(): Promise<Doors | undefined>;
  /** Becomes the guest of a test, or of the next one: what is reported is reported from now on. `wantedAt` is of `performance.now()`. */
  handOver(consoleFile: string, wantedAt: number): void;
  /** What there is to say while it goes on. */
  report(): GuestReport;
  /** Ends the guest and says what there is to say. */
  finish(): Promise<GuestReport>;
}

export type StartResult<G extends Guest = Guest> =
  | { readonly started: true; readonly guest: G }
  | { readonly started: false; readonly report: GuestReport & { readonly verdict: GuestVerdict } };

export interface StartContext {
  readonly signal: AbortSignal;
  readonly onLog: (records: readonly LogRecord[]) => void;
}

/** Where guests come from. Each is as good as new. Disposed when no guest is wanted any more. */
export interface GuestProvider extends AsyncDisposable {
  start(request: GuestRequest, context: StartContext): Promise<StartResult>;
  /** Instead of `finish`, for a guest that is as it was: it may serve another test of its scope. */
  giveBack?(guest: Guest): Promise<GuestReport>;
}
