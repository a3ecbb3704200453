// SPDX-License-Identifier: MIT
// Finds the kernel's complaints in a console log, line by line, and gives each its extent, its kind and a title that is the
// same every time it happens (no addresses, CPU numbers or PIDs).
import { type Severity, type SplatKind, type SplatPattern, splatPatterns } from "./splat-patterns.ts";
import { titleOf, withoutTimestamp } from "./splat-title.ts";

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
  readonly headline: string;
  readonly firstLine: number;
  readonly lines: string[];
}

const longestSplat = 150;
const mostSplats = 50;
/** Lines before the line that names the kind and that still belong to it: "cut here", a row of "=". */
const opening = /-+\[ cut here \]-+|^={20,}$/;
/** A WARN's own words stand between "cut here" and the line that names it. */
const longestOpening = 4;
const closing = /---\[ end (?:trace|Kernel panic)/;
const row = /^={20,}$/;
/** Kinds that are framed by rows of "=". */
const framed: ReadonlySet<SplatKind> = new Set(["kasan", "kfence", "kmsan", "kcsan"]);
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
  rex: ["warning"],
  usercopy: ["kernel-bug", "oops"],
  "slab-corruption": ["warning"],
  oops: ["oops"],
  "rcu-stall": ["rcu-stall"],
};

export class SplatClassifier {
  readonly #found: Splat[] = [];
  #open: OpenSplat | undefined;
  /** Lines since the last opening, that one included; none when it is too long ago. */
  #opening: string[] = [];
  #lineNumber = 0;

  /** All splats so far; the last may still grow, and its title with it. */
  get splats(): readonly Splat[] {
    return this.#open ? [...this.#found, finished(this.#open)] : this.#found;
  }

  /** Takes the next line; returns the splat that starts with it, if one does. */
  feed(rawLine: string): Splat | undefined {
    const line = rawLine.trimEnd();
    const text = withoutTimestamp(line);
    const started = this.#start(line, text);
    const closed = started === undefined && this.#continue(line, text);
    // A row of "=" that ends a report begins none.
    if (started !== undefined || closed) this.#opening = [];
    else this.#remember(line, text);
    this.#lineNumber += 1;
    return started;
  }

  #start(line: string, text: string): Splat | undefined {
    const isBehindCut = this.#opening.length === 1;
    // What the agent and user space print is not the kernel's complaint, nor is how a program ended.
    if (text.startsWith("rex-agent:") || (text.startsWith("rex: program ") && !isBehindCut)) return undefined;
    const pattern = (splatPatterns as readonly TypedPattern[]).find(
      ({ start, afterCut }) => start.test(text) && (isBehindCut || afterCut !== true),
    );
    if (pattern === undefined) return undefined;
    if (this.#open && namedAgain[this.#open.kind]?.includes(pattern.kind)) return undefined;
    this.#close();
    if (this.#found.length >= mostSplats) return undefined;
    this.#open = {
      kind: pattern.kind,
      severity: pattern.severity,
      headline: line,
      firstLine: this.#lineNumber - this.#opening.length,
      lines: [...this.#opening, line],
    };
    return finished(this.#open);
  }

  /** Returns whether the open splat ends with this line. */
  #continue(line: string, text: string): boolean {
    if (this.#open === undefined) return false;
    this.#open.lines.push(line);
    const ends = closing.test(line) || (framed.has(this.#open.kind) && row.test(text));
    if (ends || this.#open.lines.length >= longestSplat) this.#close();
    return ends;
  }

  #remember(line: string, text: string): void {
    if (opening.test(text)) this.#opening = [line];
    else if (this.#opening.length > 0)
      this.#opening = this.#opening.length < longestOpening ? [...this.#opening, line] : [];
  }

  #close(): void {
    if (this.#open) this.#found.push(finished(this.#open));
    this.#open = undefined;
  }
}

type TypedPattern = SplatPattern & { readonly kind: SplatKind };

function finished({ kind, severity, headline, firstLine, lines }: OpenSplat): Splat {
  return { kind, severity, title: titleOf(kind, headline, lines), firstLine, lines: [...lines] };
}

/** The splats of a whole log. */
export function classifyLog(lines: Iterable<string>): readonly Splat[] {
  const classifier = new SplatClassifier();
  for (const line of lines) classifier.feed(line);
  return classifier.splats;
}
