// SPDX-License-Identifier: MIT
import { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import type { MachineEnd, VirtualMachine } from "../virtual-machine.ts";
import { ForkServer } from "./fork-server.ts";

/** A parent that is told things and never answers. */
function silentParent() {
  const told: string[] = [];
  const forkControl = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => {
      told.push(String(chunk));
      done();
    },
  });
  forkControl.on("error", () => undefined);
  const end = Promise.withResolvers<MachineEnd>();
  const parent = { forkControl, ended: end.promise, end: async () => ({ kind: "ended" }) };
  return { parent: parent as unknown as VirtualMachine, forkControl, told, end };
}

it("says to its parent where a child is to connect, under names that nobody guesses", async () => {
  const { parent, told } = silentParent();
  await using server = await ForkServer.start(parent);
  await expect(server.fork(20)).rejects.toThrow("QEMU did not fork within 20 ms");
  await expect(server.fork(20)).rejects.toThrow("did not fork");
  const [first, second] = told.map((line) => /^fork ([0-9a-f]{24}) rex-test-fork-\S+\n$/.exec(line)?.[1]);
  expect(first).toBeDefined();
  expect(second).not.toBe(first);
});

it("ends a child that comes too late", async () => {
  const { parent, forkControl, told } = silentParent();
  await using server = await ForkServer.start(parent);
  await expect(server.fork(20)).rejects.toThrow("did not fork");
  const id = told[0]?.split(" ")[1];
  forkControl.push(`forked ${id} 4711\n`);
  await nextTurn();
  expect(told.at(-1)).toBe("kill 4711\n");
});

it("tells why there is no child", async () => {
  const { parent, forkControl, told } = silentParent();
  await using server = await ForkServer.start(parent);
  const forked = server.fork(5_000);
  forkControl.push(`failed ${told[0]?.split(" ")[1]} a thread does not take a signal\n`);
  await expect(forked).rejects.toMatchObject({ detail: "a thread does not take a signal" });
});

it("outlives a connection that breaks, and knows when its parent has ended", async () => {
  const { parent, forkControl, end } = silentParent();
  await using server = await ForkServer.start(parent);
  forkControl.destroy(new Error("read ECONNRESET"));
  await nextTurn();
  end.resolve({ kind: "ended" });
  await nextTurn();
  await expect(server.fork(5_000)).rejects.toThrow("the QEMU to be forked has ended");
});
