// SPDX-License-Identifier: MIT
// Talks to a QEMU that can be forked (server.c), and makes a machine of each child of it.
import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { RexTestError } from "../../runner/support/errors.ts";
import { collectTail, type MachineEnd, VirtualMachine } from "../virtual-machine.ts";

const channelNames = ["qmp", "agent", "console", "stderr"] as const;
type ChannelName = (typeof channelNames)[number];

/** A child from the wish for it to its end. */
interface Child {
  readonly id: string;
  readonly sockets: Partial<Record<ChannelName, Socket>>;
  pid: number | undefined;
  /** Nobody waits for it any more. */
  isUnwanted: boolean;
  readonly ready: PromiseWithResolvers<void>;
  readonly exited: PromiseWithResolvers<Exit>;
}

type Exit = Pick<Extract<MachineEnd, { kind: "qemu-failed" }>, "exitCode" | "signal">;

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export class ForkServer implements AsyncDisposable {
  readonly #parent: VirtualMachine;
  readonly #control: Duplex;
  readonly #server: Server;
  readonly #name: string;
  readonly #children = new Map<string, Child>();
  #hasEnded = false;

  private constructor(parent: VirtualMachine, control: Duplex, server: Server, name: string) {
    this.#parent = parent;
    this.#control = control;
    this.#server = server;
    this.#name = name;
    server.on("connection", (socket) => this.#accept(socket));
    // What is wrong with the connection is told by the parent's end.
    const lines = createInterface({ input: control }).on("error", () => undefined);
    lines.on("line", (line) => this.#hear(line));
    void parent.ended.then((end) => this.#abandon(end));
  }

  /** Of a machine that is stopped, and that nobody uses any more in any other way: with its first child it freezes. */
  static async start(parent: VirtualMachine): Promise<ForkServer> {
    const { forkControl } = parent;
    if (forkControl === undefined) throw new Error("a machine that was not started to be forked");
    const name = `rex-test-fork-${process.pid}-${randomBytes(12).toString("hex")}`;
    const server = createServer({ pauseOnConnect: false });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject).listen(`\0${name}`, resolve);
    await promise;
    return new ForkServer(parent, forkControl, server, name);
  }

  /** A child, stopped as its parent is. */
  async fork(limitMs: number): Promise<VirtualMachine> {
    if (this.#hasEnded) throw new RexTestError("the QEMU to be forked has ended");
    const child: Child = {
      // The name of the socket can be read by everybody on this machine; this can't.
      id: randomBytes(12).toString("hex"),
      sockets: {},
      pid: undefined,
      isUnwanted: false,
      ready: Promise.withResolvers(),
      exited: Promise.withResolvers(),
    };
    child.ready.promise.catch(() => undefined);
    this.#children.set(child.id, child);
    this.#control.write(`fork ${child.id} ${this.#name}\n`);
    const timer = setTimeout(
      () => child.ready.reject(new RexTestError(`QEMU did not fork within ${limitMs} ms`)),
      limitMs,
    );
    try {
      await child.ready.promise;
      return this.#machineOf(child);
    } catch (error) {
      this.#kill(child);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await this.#parent.end();
  }

  #machineOf(child: Child): VirtualMachine {
    const { qmp, agent, console, stderr } = child.sockets;
    if (child.pid === undefined || !qmp || !agent || !console || !stderr)
      throw new Error("a child is ready when all of it is there");
    const tail = collectTail(stderr);
    const closed = Promise.withResolvers<void>();
    stderr.once("close", closed.resolve);
    const exit = child.exited.promise.then(async (how): Promise<MachineEnd> => {
      // All that it wrote has been read then.
      await closed.promise;
      return { kind: "qemu-failed", ...how, stderr: tail() };
    });
    const vm = new VirtualMachine({
      machine: this.#parent.machine,
      commandLine: this.#parent.commandLine,
      sockets: { qmp, agent, console },
      pid: child.pid,
      exit,
      kill: () => this.#kill(child),
    });
    // Paused since their first lines. The machine is stopped: nothing comes by the agent's before somebody listens.
    for (const socket of [qmp, agent, console, stderr]) socket.resume();
    return vm;
  }

  /** By its parent, which knows whether it is still there: a number may be somebody else's by now. */
  #kill(child: Child): void {
    child.isUnwanted = true;
    if (child.pid !== undefined && this.#control.writable) this.#control.write(`kill ${child.pid}\n`);
  }

  #accept(socket: Socket): void {
    socket.on("error", () => undefined); // a reset by the dying QEMU; its end is told by its parent
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\n");
      if (end < 0) return;
      socket.off("data", onData);
      socket.pause();
      const rest = head.subarray(end + 1);
      if (rest.length > 0) socket.unshift(rest);
      this.#introduce(socket, head.subarray(0, end).toString());
    };
    socket.on("data", onData);
  }

  #introduce(socket: Socket, line: string): void {
    const [id = "", channel] = line.split(" ");
    const child = this.#children.get(id);
    const name = channelNames.find((known) => known === channel);
    if (child === undefined || name === undefined) {
      socket.destroy();
      return;
    }
    child.sockets[name] = socket;
    this.#checkReady(child);
  }

  #checkReady(child: Child): void {
    if (child.pid !== undefined && channelNames.every((name) => child.sockets[name] !== undefined))
      child.ready.resolve();
  }

  #hear(line: string): void {
    const [word, subject = "", ...rest] = line.split(" ");
    if (word === "exited") {
      const child = [...this.#children.values()].find(({ pid }) => pid === Number(subject));
      if (child !== undefined) this.#exited(child, exitOf(Number(rest[0])));
      return;
    }
    const child = this.#children.get(subject);
    if (child === undefined) return;
    if (word === "failed") {
      this.#children.delete(child.id);
      child.ready.reject(new RexTestError("QEMU could not be forked", { detail: rest.join(" ") }));
    } else if (word === "forked") {
      child.pid = Number(rest[0]);
      if (child.isUnwanted) this.#kill(child);
      this.#checkReady(child);
    }
  }

  #exited(child: Child, how: Exit): void {
    this.#children.delete(child.id);
    const text = how.signal ?? `exit code ${how.exitCode}`;
    child.ready.reject(new RexTestError("a forked QEMU ended at once", { detail: text }));
    child.exited.resolve(how);
  }

  /** Its children end with the parent. */
  #abandon(end: MachineEnd): void {
    this.#hasEnded = true;
    this.#server.close();
    const how = end.kind === "qemu-failed" ? { exitCode: end.exitCode, signal: end.signal } : {};
    const { exitCode, signal = "SIGKILL" } = how;
    for (const child of this.#children.values())
      this.#exited(child, exitCode === undefined ? { signal } : { exitCode });
  }
}

/** From the status that waitpid() gives. */
function exitOf(status: number): Exit {
  const signal = status & 0x7f;
  return signal === 0
    ? { exitCode: (status >> 8) & 0xff }
    : { signal: signalNames.get(signal) ?? `signal ${signal}` };
}
