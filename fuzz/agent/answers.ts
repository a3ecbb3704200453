// SPDX-License-Identifier: MIT
// What the agent owes for frames: one answer each, with the id of its request or with none, of a known shape.
import type { Blame, ErrorKind } from "../../runner/protocol/generated.ts";
import { type Frame, idOf } from "./frames.ts";

const kinds: Readonly<Record<ErrorKind, true>> = {
  errno: true,
  not_found: true,
  invalid: true,
  busy: true,
  timeout: true,
  internal: true,
  unsupported: true,
};

const blames: Readonly<Record<Blame, true>> = { caller: true, object: true, kernel: true, agent: true };

export interface Wrong {
  readonly title: string;
  readonly detail: string;
}

/** What is wrong with the answers, when no more are to come. */
export function wrongAnswers(frames: readonly Frame[], answers: readonly object[]): Wrong[] {
  const wrong: Wrong[] = [];
  const say = (title: string, detail: unknown) => wrong.push({ title, detail: JSON.stringify(detail) });
  const owed = new Map<number, number>();
  for (const frame of frames) {
    const id = idOf(frame);
    if (id !== undefined) owed.set(id, (owed.get(id) ?? 0) + 1);
  }
  for (const answer of answers) {
    const id = "id" in answer ? answer.id : undefined;
    const error = "error" in answer ? answer.error : undefined;
    if (error === undefined ? !("result" in answer) || typeof id !== "number" : !isError(error))
      say("an answer of no known shape", answer);
    if (typeof id === "number") {
      const left = owed.get(id) ?? 0;
      if (left === 0) say("an answer that nobody has asked for", answer);
      owed.set(id, left - 1);
    } else if (id !== null) say("an answer of no known shape", answer);
    if (isError(error) && error.blame === "agent")
      say(`the agent blames itself: ${error.message.replaceAll(/\d+/g, "N")}`, answer);
  }
  if (answers.length !== frames.length)
    say("frames without an answer", `${answers.length} answers to ${frames.length} frames`);
  return wrong;
}

function isError(error: unknown): error is { kind: ErrorKind; blame: Blame; message: string } {
  if (typeof error !== "object" || error === null) return false;
  const { kind, blame, message } = error as Readonly<Record<string, unknown>>;
  return (
    typeof kind === "string" &&
    kind in kinds &&
    typeof blame === "string" &&
    blame in blames &&
    typeof message === "string" &&
    message !== ""
  );
}
