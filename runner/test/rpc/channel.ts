// SPDX-License-Identifier: MIT
// Requests, responses and events over a framed stream, in both directions. Every request is answered, refused or given up within
// its limit; what comes in from the other side is checked before it is believed.
import type { Duplex } from "node:stream";
import { messageOf } from "../../support/errors.ts";
import { ChannelClosedError, errorFromWire, errorToWire, NoAnswerError } from "./call-errors.ts";
import { encodeFrame, FrameDecoder } from "./frame.ts";

export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ChannelHandlers {
  readonly onEvent?: (event: string, params: unknown) => void;
  /** Answers the peer's requests; throw to refuse one. `signal` is aborted when the channel closes. */
  readonly onRequest?: (method: string, params: unknown, signal: AbortSignal) => Promise<unknown>;
  /** Told about answers to what no call has asked. */
  readonly onStray?: (message: object) => void;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const mostPending = 1_024;

export class RpcChannel {
  readonly #stream: Duplex;
  readonly #handlers: ChannelHandlers;
  readonly #decoder = new FrameDecoder();
  readonly #pending = new Map<number, Pending>();
  readonly #closing = new AbortController();
  readonly closed: Promise<Error>;
  #nextId = 1;
  #reportClosed: (reason: Error) => void;

  constructor(stream: Duplex, handlers: ChannelHandlers = {}) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.closed = promise;
    this.#reportClosed = resolve;
    this.#stream = stream;
    this.#handlers = handlers;
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("error", (error) => this.close(error));
    stream.on("close", () => this.close(new Error("the connection was closed")));
    stream.on("end", () => this.close(new Error("the other side closed the connection")));
  }

  async call(method: string, params: unknown, options: CallOptions): Promise<unknown> {
    options.signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw new ChannelClosedError(messageOf(this.#closing.signal.reason));
    if (this.#pending.size >= mostPending)
      throw new Error(`more than ${mostPending} calls are waiting for an answer`);
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject });
    const timer = setTimeout(() => reject(new NoAnswerError(method, options.timeoutMs)), options.timeoutMs);
    const onAbort = () => reject(options.signal?.reason);
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#stream.write(encodeFrame({ id, method, params }));
      return await promise;
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      this.#pending.delete(id);
    }
  }

  emit(event: string, params: unknown): void {
    if (!this.#closing.signal.aborted) this.#stream.write(encodeFrame({ event, params }));
  }

  /** Sends bytes as they are: for those who put the other side to the test. They have to be whole frames. */
  send(bytes: Uint8Array): void {
    if (!this.#closing.signal.aborted) this.#stream.write(bytes);
  }

  close(reason: Error = new Error("closed")): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(reason);
    for (const pending of this.#pending.values()) pending.reject(new ChannelClosedError(reason.message));
    this.#pending.clear();
    this.#stream.destroy();
    this.#reportClosed(reason);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#decoder.push(chunk)) this.#dispatch(message);
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #dispatch(message: unknown): void {
    if (typeof message !== "object" || message === null) return;
    if ("event" in message && typeof message.event === "string") {
      this.#handlers.onEvent?.(message.event, "params" in message ? message.params : undefined);
    } else if ("method" in message && typeof message.method === "string") {
      void this.#answer(
        message.method,
        "params" in message ? message.params : {},
        "id" in message ? message.id : null,
      );
    } else {
      const pending =
        "id" in message && typeof message.id === "number" ? this.#pending.get(message.id) : undefined;
      if (pending === undefined) this.#handlers.onStray?.(message);
      else if ("error" in message) pending.reject(errorFromWire(message.error));
      else pending.resolve("result" in message ? message.result : undefined);
    }
  }

  async #answer(method: string, params: unknown, id: unknown): Promise<void> {
    const answer = await this.#handle(method, params).then(
      (result) => ({ id, result: result ?? null }),
      (error: unknown) => ({ id, error: errorToWire(error) }),
    );
    if (!this.#closing.signal.aborted) this.#stream.write(encodeFrame(answer));
  }

  async #handle(method: string, params: unknown): Promise<unknown> {
    if (this.#handlers.onRequest === undefined) throw new Error(`nobody answers ${method}`);
    return this.#handlers.onRequest(method, params, this.#closing.signal);
  }
}
