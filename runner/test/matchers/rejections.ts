// SPDX-License-Identifier: MIT
// Matchers for programs that must not get through: expect(t.load(…)).toBeRejectedByLoader(…), expect(t.compile(…)).toBeRejectedByCompiler(…),
// and for their eBPF twins expect(t.guest.loadEbpf(…)).toBeRejectedByVerifier(…).
import { CompilerRejection, LoaderRejection, VerifierRejection } from "../worker/rejections.ts";
import { type MatcherResult, matches, type Pattern } from "./result.ts";

/** The kernel or its loader in user space refuses; the pattern is looked for in its errno and its sentence, which it must have given. */
export async function toBeRejectedByLoader(received: unknown, pattern?: Pattern): Promise<MatcherResult> {
  const thrown = await thrownBy(received, "toBeRejectedByLoader");
  if (!(thrown instanceof LoaderRejection)) return notRejected("the kernel's loader", thrown);
  if (thrown.sentence === "")
    return {
      pass: false,
      message: () => `the loader refused with ${thrown.errnoName} and without a sentence`,
    };
  return compared(pattern, `${thrown.errnoName ?? ""}: ${thrown.sentence}`, "the loader");
}

/** The builder refuses: rustc, a lint or the checks of the finished object. */
export async function toBeRejectedByCompiler(received: unknown, pattern?: Pattern): Promise<MatcherResult> {
  const thrown = await thrownBy(received, "toBeRejectedByCompiler");
  if (!(thrown instanceof CompilerRejection)) return notRejected("the compiler", thrown);
  return compared(pattern, thrown.rendered, "the compiler");
}

/** The kernel's eBPF verifier refuses; the pattern is looked for in its log. */
export async function toBeRejectedByVerifier(received: unknown, pattern?: Pattern): Promise<MatcherResult> {
  const thrown = await thrownBy(received, "toBeRejectedByVerifier");
  if (!(thrown instanceof VerifierRejection)) return notRejected("the eBPF verifier", thrown);
  return compared(pattern, thrown.log, "the eBPF verifier");
}

async function thrownBy(received: unknown, matcher: string): Promise<unknown> {
  if (!(received instanceof Promise))
    throw new TypeError(
      `${matcher} takes the promise of t.load, t.compile or t.guest.loadEbpf, without await`,
    );
  return received.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function notRejected(by: string, thrown: unknown): MatcherResult {
  if (thrown === undefined)
    return { pass: false, message: () => `expected ${by} to refuse, and the program got through` };
  // Something else went wrong: that is the error to show, with its own stack.
  throw thrown;
}

function compared(pattern: Pattern | undefined, text: string, by: string): MatcherResult {
  const pass = pattern === undefined || matches(pattern, text);
  return {
    pass,
    message: () => `expected ${by} ${pass ? "not " : ""}to say ${String(pattern)}, and it said:\n${text}`,
    actual: text,
    expected: pattern,
  };
}
