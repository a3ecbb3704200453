// SPDX-License-Identifier: MIT
// QEMU's control socket: one JSON object a line. Every command is answered within its limit or rejects.
import type { Duplex } from "node:stream";
import { RexTestError } from "../runner/support/errors.ts";

const defaultTimeoutMs = 5_000;
/** Messages kept for the reader, and how much of each. */
const mostLogged = 200;
const longestLogged = 1_000;
const longestLineBytes = 1024 * 1024;

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Qmp {
  readonly #socket: Duplex;
  readonly #pending = new Map<number, Pending>();
  readonly #startedAt = performance.now();
  readonly #log: string[] = [];
  readonly #onEvent: (event: QmpEvent) => void;
  #buffered = "";
  #nextId = 1;
  #closed: Error | undefined;

  constructor(socket: Duplex, onEvent: (event: QmpEvent) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#receive(chunk));
    socket.on("error", (error) => this.#close(error));
    socket.on("close", () => this.#close(new Error("QEMU closed its control socket")));
    // Leaves negotiation mode; until it is sent no other command is accepted.
    void this.execute("qmp_capabilities").catch(() => undefined);
  }

  /** The newest messages, a line each: "+12 ms -> {…}" to QEMU, "<-" from it. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** Sends a command; resolves to its `return` value. */
  async execute(
    command: string,
    args: Record<string, unknown> = {},
    timeoutMs = defaultTimeoutMs,
  ): Promise<unknown> {
    if (this.#closed) throw this.#closed;
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(
      () => reject(new RexTestError(`QEMU did not answer ${command} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#pending.set(id, { resolve, reject });
    const message = JSON.stringify({ execute: command, arguments: args, id });
    this.#record("->", message);
    this.#socket.write(`${message}\n`);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  #receive(chunk: string): void {
    this.#buffered += chunk;
    const lines = this.#buffered.split("\n");
    this.#buffered = lines.pop() ?? "";
    if (this.#buffered.length > longestLineBytes) this.#close(new Error("QEMU sent an endless line"));
    for (const line of lines) {
      if (line.trim() === "") continue;
      this.#record("<-", line.trimEnd());
      this.#dispatch(parseMessage(line));
    }
  }

  #record(direction: string, message: string): void {
    const ms = Math.round(performance.now() - this.#startedAt);
    this.#log.push(`+${ms} ms ${direction} ${message.slice(0, longestLogged)}`);
    if (this.#log.length > mostLogged) this.#log.shift();
  }

  #dispatch(message: Record<string, unknown> | undefined): void {
    if (message === undefined) return;
    if (typeof message["event"] === "string") {
      this.#onEvent({ event: message["event"], data: asRecord(message["data"]) ?? {} });
      return;
    }
    const pending = typeof message["id"] === "number" ? this.#pending.get(message["id"]) : undefined;
    if (pending === undefined) return;
    const error = asRecord(message["error"]);
    if (error) pending.reject(new RexTestError(`QEMU refused: ${String(error["desc"])}`));
    else pending.resolve(message["return"]);
  }

  #close(reason: Error): void {
    this.#closed ??= reason;
    for (const pending of this.#pending.values()) pending.reject(this.#closed);
    this.#pending.clear();
  }
}

function parseMessage(line: string): Record<string, unknown> | undefined {
  try {
    return asRecord(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
