// SPDX-License-Identifier: MIT
// `--trace-leaks`: where in the spec the things were acquired that a test left behind. After each call that may acquire something
// the kernel's holdings are compared with those before it, which is slow, and true of whatever can be told from holdings at all.
import type { MethodName } from "../../protocol/generated.ts";
import type { CallObserver, GuestCalls } from "./guest-calls.ts";
import { type Holdings, takeHoldings } from "./holdings.ts";
import { type Leak, leaks } from "./leaks.ts";

/** Calls that only ask. */
const harmless: ReadonlySet<MethodName> = new Set<MethodName>([
  "hello",
  "ping",
  "inventory",
  "programs",
  "exits",
  "kallsyms",
  "cpus",
  "logSync",
  "readFile",
  "traceRead",
  "mapGet",
  "mapEntries",
  "ringbufRead",
  "perfRead",
]);

const deepestStack = 60;

export class LeakTrace {
  readonly #calls: GuestCalls;
  readonly #specFile: string;
  readonly #origins = new Map<string, string>();
  #known: Holdings;
  #last: Promise<void> = Promise.resolve();

  /** `calls` are not observed themselves. */
  constructor(calls: GuestCalls, specFile: string, before: Holdings) {
    this.#calls = calls;
    this.#specFile = specFile;
    this.#known = before;
  }

  readonly observer: CallObserver = (method) => {
    if (harmless.has(method)) return () => Promise.resolve();
    const origin = `${method}\n${stackInSpec(this.#specFile)}`;
    return () => this.#compare(origin);
  };

  /** The leak's message, and where it was acquired if that is known. */
  explain({ key, message }: Leak): string {
    const origin = this.#origins.get(key);
    return origin === undefined ? message : `${message}\n  acquired by ${origin}`;
  }

  /** One comparison after the other: what two calls at a time acquired is put down to the one that ended first. */
  #compare(origin: string): Promise<void> {
    this.#last = this.#last.then(async () => {
      // When the guest is no more, that is told elsewhere.
      const now = await takeHoldings(this.#calls).catch(() => undefined);
      if (now === undefined) return;
      for (const { key } of leaks(this.#known, now)) this.#origins.set(key, origin);
      this.#known = now;
    });
    return this.#last;
  }
}

/** The frames of the caller's stack that are in the spec file, innermost first. */
function stackInSpec(specFile: string): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = deepestStack;
  const { stack = "" } = new Error();
  Error.stackTraceLimit = limit;
  const frames = stack.split("\n").filter((line) => line.includes(specFile));
  return frames.map((line) => `    ${line.trim()}`).join("\n") || "    (outside of the spec file)";
}
