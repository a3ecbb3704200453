// SPDX-License-Identifier: MIT
// Finds the kernel's complaints in a console log, line by line, and gives each its extent, its kind and a title that is the
// same every time it happens (no addresses, CPU numbers or PIDs).
import { type Severity, type SplatKind, splatPatterns } from "./splat-patterns.ts";

export interface Splat {
  readonly kind: SplatKind;
  readonly severity: Severity;
  readonly title: string;
  /** Line numbers in the log, from 0. */
  readonly firstLine: number;
  readonly lines: readonly string[];
}

interface OpenSplat {
  readonly kind: SplatKind;
  readonly severity: Severity;
  readonly title: string;
  readonly firstLine: number;
  readonly lines: string[];
}

const longestSplat = 150;
const mostSplats = 50;
/** Lines before the line that names the kind and that still belong to it: "cut here", a row of "=". */
const opening = /-+\[ cut here \]-+|^={20,}$/;
const closing = /---\[ end (?:trace|Kernel panic)/;
/** Kinds whose first line comes with a second one that would match another row. */
const namedAgain: Readonly<Partial<Record<SplatKind, readonly SplatKind[]>>> = {
  "page-fault": ["oops"],
  "general-protection": ["oops"],
  "kernel-bug": ["oops"],
  "double-fault": ["oops"],
  "stack-guard": ["oops"],
  "list-corruption": ["kernel-bug", "oops", "warning"],
  refcount: ["warning"],
  warning: ["refcount"],
  lockdep: ["warning"],
  oops: ["oops"],
  "rcu-stall": ["rcu-stall"],
};

export class SplatClassifier {
  readonly #found: Splat[] = [];
  #open: OpenSplat | undefined;
  #previous: string | undefined;
  #lineNumber = 0;

  /** All splats so far; the last may still grow. */
  get splats(): readonly Splat[] {
    return this.#open ? [...this.#found, this.#open] : this.#found;
  }

  /** Takes the next line; returns the splat that starts with it, if one does. */
  feed(rawLine: string): Splat | undefined {
    const line = rawLine.trimEnd();
    const started = this.#start(line);
    if (started === undefined) this.#continue(line);
    this.#previous = line;
    this.#lineNumber += 1;
    return started;
  }

  #start(line: string): Splat | undefined {
    const text = withoutTimestamp(line);
    // What the agent and user space print is not the kernel's complaint.
    if (text.startsWith("rex-agent:") || text.startsWith("rex: program ")) return undefined;
    const pattern = splatPatterns.find(({ start }) => start.test(text));
    if (pattern === undefined) return undefined;
    if (this.#open && namedAgain[this.#open.kind]?.includes(pattern.kind)) return undefined;
    this.#close();
    if (this.#found.length >= mostSplats) return undefined;
    const opened = this.#previous !== undefined && opening.test(withoutTimestamp(this.#previous));
    this.#open = {
      kind: pattern.kind,
      severity: pattern.severity,
      title: titleOf(text),
      firstLine: this.#lineNumber - (opened ? 1 : 0),
      lines: opened && this.#previous !== undefined ? [this.#previous, line] : [line],
    };
    return this.#open;
  }

  #continue(line: string): void {
    if (this.#open === undefined) return;
    this.#open.lines.push(line);
    if (closing.test(line) || this.#open.lines.length >= longestSplat) this.#close();
  }

  #close(): void {
    if (this.#open) this.#found.push(this.#open);
    this.#open = undefined;
  }
}

/** The splats of a whole log. */
export function classifyLog(lines: Iterable<string>): readonly Splat[] {
  const classifier = new SplatClassifier();
  for (const line of lines) classifier.feed(line);
  return classifier.splats;
}

export function withoutTimestamp(line: string): string {
  return line.replace(/^\s*(?:<\d+>)?\[\s*\d+\.\d+\](?:\[\s*[TC]\d+\])? ?/, "");
}

function titleOf(text: string): string {
  return text
    .replace(/\bCPU: \d+ PID: \d+ (?:Comm: \S+ )?/, "")
    .replace(/\bCPU#\d+/g, "CPU")
    .replace(/\+0x[0-9a-f]+\/0x[0-9a-f]+/g, "")
    .replace(/\b0x[0-9a-f]+\b|\b[0-9a-f]{16}\b/g, "ADDR")
    .replace(/:\d+:\d+\b/g, "")
    .replace(/\/\d+\b/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
