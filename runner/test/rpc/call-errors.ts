// SPDX-License-Identifier: MIT
// How a call can fail, kept apart: the other side refused, did not answer in time, or is gone. The kind survives the trip from
// the process that holds the guest to the worker that runs the test.
import type { ErrorBody } from "../../protocol/generated.ts";
import { type ErrorDetails, RexTestError } from "../../support/errors.ts";

/** The agent, or the kernel behind it, said no. */
export class GuestRefusalError extends Error {
  override readonly name = "GuestRefusalError";
  readonly body: ErrorBody;

  constructor(body: ErrorBody) {
    super(body.log ? `${body.message}\n${body.log.trimEnd()}` : body.message);
    this.body = body;
  }
}

export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
  readonly method: string;
  readonly timeoutMs: number;

  constructor(method: string, timeoutMs: number) {
    super(`${method} was not answered within ${timeoutMs} ms`);
    this.method = method;
    this.timeoutMs = timeoutMs;
  }
}

export class ChannelClosedError extends Error {
  override readonly name = "ChannelClosedError";
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

type WireError =
  | ErrorBody
  | NoAnswerOnWire
  | { readonly kind: "closed"; readonly message: string }
  | ({ readonly kind: "host"; readonly message: string } & ErrorTexts);
type ErrorTexts = Pick<ErrorDetails, "where" | "detail" | "hint">;
interface NoAnswerOnWire {
  readonly kind: "no_answer";
  readonly message: string;
  readonly method: string;
  readonly timeoutMs: number;
}

export function errorToWire(error: unknown): WireError {
  if (error instanceof GuestRefusalError) return error.body;
  if (error instanceof NoAnswerError) {
    return { kind: "no_answer", message: error.message, method: error.method, timeoutMs: error.timeoutMs };
  }
  if (error instanceof ChannelClosedError) return { kind: "closed", message: error.reason };
  if (error instanceof RexTestError) {
    const { message, where, detail, hint } = error;
    return { kind: "host", message, where, detail, hint };
  }
  return {
    kind: "internal",
    blame: "agent",
    message: error instanceof Error ? error.message : String(error),
  };
}

const refusalKinds: ReadonlySet<string> = new Set<ErrorBody["kind"]>([
  "errno",
  "invalid",
  "unsupported",
  "not_found",
  "timeout",
  "busy",
  "internal",
]);
const blames: ReadonlySet<string> = new Set<ErrorBody["blame"]>(["caller", "object", "kernel", "agent"]);

export function errorFromWire(wire: unknown): Error {
  const fields = typeof wire === "object" && wire !== null ? (wire as Record<string, unknown>) : {};
  const message = textOf(fields["message"]) ?? "the other side refused without a reason";
  const kind = textOf(fields["kind"]) ?? "internal";
  if (kind === "no_answer")
    return new NoAnswerError(textOf(fields["method"]) ?? "a call", Number(fields["timeoutMs"] ?? 0));
  if (kind === "closed") return new ChannelClosedError(message);
  if (kind === "host")
    return new RexTestError(message, {
      where: textOf(fields["where"]),
      detail: textOf(fields["detail"]),
      hint: textOf(fields["hint"]),
    });
  const blame = textOf(fields["blame"]) ?? "agent";
  const errnoName = textOf(fields["errnoName"]);
  const log = textOf(fields["log"]);
  return new GuestRefusalError({
    kind: refusalKinds.has(kind) ? (kind as ErrorBody["kind"]) : "internal",
    blame: blames.has(blame) ? (blame as ErrorBody["blame"]) : "agent",
    message,
    ...(typeof fields["errno"] === "number" ? { errno: fields["errno"] } : {}),
    ...(errnoName === undefined ? {} : { errnoName }),
    ...(log === undefined ? {} : { log }),
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

const mark = "followsFromEnd";

/** Says of a call's error that it only follows from the end of the guest, or of a test that has failed. The mark survives the trip between threads. */
export function markAsFollowing(error: unknown): void {
  if (error instanceof Error) Object.assign(error, { [mark]: true });
}

/** Whether that is so. */
export function followsFromEnd(error: unknown): boolean {
  return typeof error === "object" && error !== null && Reflect.get(error, mark) === true;
}
