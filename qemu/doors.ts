// SPDX-License-Identifier: MIT
// Ways into a machine for a person: its console, QMP and a gdb stub as Unix sockets. A machine's own are descriptors that it
// inherited, which nobody else can reach.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { messageOf } from "../runner/support/errors.ts";
import type { VirtualMachine } from "./virtual-machine.ts";

export interface Doors extends AsyncDisposable {
  /** What the console has said so far, then the console itself, both ways. */
  readonly console: string;
  /** QMP as qmp-shell speaks it, without its events. */
  readonly qmp: string;
  /** A gdb stub; absent where QEMU has none. */
  readonly gdb: string | undefined;
  /** QEMU's. */
  readonly pid: number;
}

/** In a folder of its own directly below the temporary one: the path of a Unix socket has at most 107 bytes. */
export async function openDoors(vm: VirtualMachine): Promise<Doors> {
  const folder = await mkdtemp(join(tmpdir(), "rex-test-guest-"));
  const paths = { console: join(folder, "console"), qmp: join(folder, "qmp"), gdb: join(folder, "gdb") };
  const open = new Set<Socket>();
  const servers: Server[] = [];
  const serve = async (path: string, greet: (socket: Socket) => void) => {
    const server = createServer((socket) => {
      open.add(socket);
      // Somebody who hangs up in the middle is no trouble of ours.
      socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket));
      greet(socket);
    });
    servers.push(server);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject).listen(path, resolve);
    await promise;
  };
  await serve(paths.console, (socket) => connectConsole(vm, socket));
  await serve(paths.qmp, (socket) => void answerQmp(vm, socket));
  const gdb = (await startGdbStub(vm, paths.gdb)) ? paths.gdb : undefined;
  return {
    ...paths,
    gdb,
    pid: vm.pid,
    async [Symbol.asyncDispose]() {
      for (const server of servers) server.close();
      for (const socket of open) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function connectConsole(vm: VirtualMachine, socket: Socket): void {
  socket.write(`${vm.console.lines.join("\r\n")}\r\n`);
  const pass = (bytes: Buffer) => void socket.write(bytes);
  vm.terminal.on("data", pass);
  socket.on("data", (keys) => void vm.terminal.write(keys));
  socket.once("close", () => vm.terminal.off("data", pass));
}

interface QmpRequest {
  readonly execute?: unknown;
  readonly arguments?: unknown;
  readonly id?: unknown;
}

/** Passes commands on in our own conversation with QEMU, which has but one. */
async function answerQmp(vm: VirtualMachine, socket: Socket): Promise<void> {
  const say = (message: object) => void socket.write(`${JSON.stringify(message)}\r\n`);
  const version = await vm.qmp.execute("query-version").catch(() => ({}));
  say({ QMP: { version, capabilities: [] } });
  createInterface({ input: socket }).on("line", async (line) => {
    if (line.trim() === "") return;
    let id: unknown;
    try {
      const request = JSON.parse(line) as QmpRequest;
      id = request.id;
      const command = String(request.execute);
      // Our own conversation is past its negotiation.
      const result =
        command === "qmp_capabilities"
          ? {}
          : await vm.qmp.execute(command, (request.arguments ?? {}) as Record<string, unknown>);
      say({ return: result, ...(id === undefined ? {} : { id }) });
    } catch (error) {
      const answer = { error: { class: "GenericError", desc: messageOf(error) } };
      say(id === undefined ? answer : { ...answer, id });
    }
  });
}

/** HMP only: QMP has no command for it, and its words are for people. When it went well its socket is there. */
async function startGdbStub(vm: VirtualMachine, path: string): Promise<boolean> {
  const command = { "command-line": `gdbserver unix:${path},server=on,wait=off` };
  await vm.qmp.execute("human-monitor-command", command).catch(() => undefined);
  return existsSync(path);
}
