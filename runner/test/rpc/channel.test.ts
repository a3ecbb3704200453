// SPDX-License-Identifier: MIT
import { duplexPair } from "node:stream";
import { describe, expect, it } from "vitest";
import { ChannelClosedError, GuestRefusalError, NoAnswerError } from "./call-errors.ts";
import { RpcChannel } from "./channel.ts";

function pair(handlers: ConstructorParameters<typeof RpcChannel>[1] = {}) {
  const [left, right] = duplexPair();
  return { caller: new RpcChannel(left), callee: new RpcChannel(right, handlers), left, right };
}

describe("RpcChannel", () => {
  it("answers requests out of order", async () => {
    const slow = Promise.withResolvers<string>();
    const { caller } = pair({ onRequest: async (method) => (method === "slow" ? slow.promise : "fast") });
    const first = caller.call("slow", {}, { timeoutMs: 1_000 });
    expect(await caller.call("fast", {}, { timeoutMs: 1_000 })).toBe("fast");
    slow.resolve("slow");
    expect(await first).toBe("slow");
  });

  it("keeps a refusal's kind, errno and log", async () => {
    const body = {
      kind: "errno",
      blame: "object",
      message: "load",
      errno: 8,
      errnoName: "ENOEXEC",
      log: "no ELF magic",
    } as const;
    const { caller } = pair({
      onRequest: () => {
        throw new GuestRefusalError(body);
      },
    });
    await expect(caller.call("load", {}, { timeoutMs: 1_000 })).rejects.toMatchObject({
      name: "GuestRefusalError",
      body,
    });
  });

  it("gives up at the limit", async () => {
    const { caller } = pair({ onRequest: () => new Promise(() => undefined) });
    await expect(caller.call("never", {}, { timeoutMs: 20 })).rejects.toThrow(NoAnswerError);
  });

  it("gives up when the caller does", async () => {
    const { caller } = pair({ onRequest: () => new Promise(() => undefined) });
    await expect(
      caller.call("never", {}, { timeoutMs: 1_000, signal: AbortSignal.timeout(10) }),
    ).rejects.toMatchObject({ name: "TimeoutError" });
  });

  it("fails what is pending and what comes later when the other side goes", async () => {
    const { caller, right } = pair({ onRequest: () => new Promise(() => undefined) });
    const pending = caller.call("never", {}, { timeoutMs: 1_000 });
    right.end();
    await expect(pending).rejects.toThrow(ChannelClosedError);
    await expect(caller.call("later", {}, { timeoutMs: 1_000 })).rejects.toThrow(ChannelClosedError);
  });

  it("closes on a peer that talks nonsense, and survives one that answers what nobody asked", async () => {
    const { caller, right } = pair({ onRequest: async () => "fine" });
    right.write(Buffer.from([9, 0, 0, 0, ...Buffer.from('{"id":77}')]));
    expect(await caller.call("still", {}, { timeoutMs: 1_000 })).toBe("fine");
    right.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect((await caller.closed).message).toMatch(/announced a message of/);
  });
});
