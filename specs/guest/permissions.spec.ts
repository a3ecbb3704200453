// SPDX-License-Identifier: MIT
// Promise: a guest has no network device, no disk and no other user than root unless its test asks for it; what it asks for
// it has, new each time.
import { createServer, type Server } from "node:net";
import { rex, rexTest, type TestContext } from "rex-test";

rexTest("what was not asked for is not there, and the error names the permission", async (t) => {
  const notThere = { body: { errnoName: "ENOENT" } };
  await t.expect(t.guest.readFile("/sys/class/net/eth0/address")).rejects.toMatchObject(notThere);
  await t.expect(t.guest.readFile("/sys/block/vda/size")).rejects.toMatchObject(notThere);
  await t.expect(t.guest.net.uplink()).rejects.toThrow(/not asked for the permission net$/);
  t.expect(() => t.guest.disk).toThrow(/not asked for the permission disk$/);
  await t.expect(t.guest.exec(["true"])).rejects.toThrow(/not asked for the permission hostTools$/);
  const asked = /not asked for the permission user$/;
  await t.expect(t.guest.syscall("getuid", { user: 1000 })).rejects.toThrow(asked);
  await t.expect(t.guest.exec(["/init"], { root: "guest", user: 1000 })).rejects.toThrow(asked);
  await t.expect(t.load("hello", { user: 1000 })).rejects.toThrow(asked);
});

const arp = 0x0806;
/** Of QEMU in its network, for an address 10.0.2.n. */
const qemuMac = (n: number) => [0x52, 0x55, 10, 0, 2, n];

/** "Who has 10.0.2.2? Tell 10.0.2.15." */
function whoHasGateway(mac: string): Buffer {
  const own = mac.split(":").map((byte) => Number.parseInt(byte, 16));
  const request = [0, 1, 8, 0, 6, 4, 0, 1, ...own, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2];
  return Buffer.from([...Array<number>(6).fill(0xff), ...own, arp >> 8, arp & 0xff, ...request]);
}

rexTest("the network has QEMU in it, which answers", { permissions: { net: true } }, async (t) => {
  const { name, mac } = await t.guest.net.uplink({ bare: true });
  const run = await t.guest.net.exchange({
    send: { device: name, frames: [whoHasGateway(mac)] },
    receive: [{ device: name, ethertype: arp, count: 1 }],
  });
  const [[answer] = []] = run.received;
  t.expect([...(answer ?? []).slice(6, 12)]).toEqual(qemuMac(2));
});

for (const mode of ["native", "generic"] as const) {
  rexTest(`${mode} XDP judges what a virtio device receives`, { permissions: { net: true } }, async (t) => {
    const { name, mac } = await t.guest.net.uplink({ bare: true });
    const program = await t.load(rex.xdp({ name: "answers" })`
      fn answers(_: &xdp, ctx: &mut xdp_md) -> Result {
        let data = &ctx.data_slice;
        // The operation of an ARP packet: 2 is an answer.
        if data[12] == 0x08 && data[13] == 0x06 && data[21] == 2 { panic!("answered by {}", data[31]) }
        Ok(XDP_PASS as i32)
      }
    `);
    await using _link = await program.attach({ target: { kind: "xdp", device: name, mode } });
    const run = await t.guest.net.exchange({
      send: { device: name, frames: [whoHasGateway(mac)] },
      receive: [{ device: name, ethertype: arp, count: 1 }],
      timeoutMs: 500,
    });
    t.expect(run.received).toEqual([[]]);
    t.expect(run).toExitGracefully({ reason: "panic", message: "answered by 2" });
  });
}

/** A server of this machine that says "here" to whoever connects. */
async function listening(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.on("error", () => undefined).end("here"));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no address");
  return { server, port: address.port };
}

/** What a guest hears that connects to this machine, by way of QEMU. */
async function heard(t: TestContext, port: number): Promise<string> {
  await t.guest.net.uplink();
  const script = `exec 3<>/dev/tcp/10.0.2.2/${port} && cat <&3`;
  return (await t.guest.exec(["timeout", "10", "bash", "-c", script])).stdout;
}

for (const [net, says] of [
  [true, ""],
  ["open", "here"],
] as const) {
  const permissions = { net, hostTools: true };
  rexTest(
    `with net: ${net} a guest hears "${says}" from the host`,
    { permissions, memory: 192 },
    async (t) => {
      const { server, port } = await listening();
      try {
        t.expect(await heard(t, port)).toBe(says);
      } finally {
        server.close();
      }
    },
  );
}

// Twice, because the second guest is a clone of the same snapshot.
for (const time of ["first", "second"]) {
  rexTest(
    `the ${time} guest has a disk of its own, full of zeroes`,
    { permissions: { disk: 3 } },
    async (t) => {
      const { path, sizeMiB } = t.guest.disk;
      t.expect(await t.guest.readFile("/sys/block/vda/size")).toBe(`${sizeMiB * 2048}\n`);
      const text = `written by the ${time} test`;
      t.expect(await t.guest.readFile(path)).toBe("\0".repeat(sizeMiB * 1024 * 1024));
      await t.guest.writeFile(path, text);
      t.expect(await t.guest.syscall("sync")).toReturn(0);
      t.expect((await t.guest.readFile(path)).replace(/\0+$/, "")).toBe(text);
    },
  );
}

const asUser = { permissions: { user: true } };

rexTest("a system call is the user's, and only that one", asUser, async (t) => {
  t.expect(await t.guest.syscall("getuid", { user: 1000 })).toReturn(1000);
  t.expect(await t.guest.syscall("getgid", { user: { uid: 1000, gid: 7 } })).toReturn(7);
  t.expect(await t.guest.syscall("getuid")).toReturn(0);
  const path = "/proc/sys/kernel/rex_timeout_ms";
  t.expect(await t.guest.syscall("access", path, 2, { user: 1000 })).toReturn("EACCES");
  t.expect(await t.guest.syscall("access", path, 2)).toReturn(0);
});

rexTest("a program runs for the calls of any user", asUser, async (t) => {
  const program = await t.load(rex.kprobe({ function: "__x64_sys_dup", name: "seen" })`
    fn seen(_: &kprobe, ctx: &mut PtRegs) -> Result { panic!("a user called dup({})", ctx.rdi()) }
  `);
  await using _link = await program.attach();
  const run = await t.guest.syscall("dup", 999, { user: 1000 });
  t.expect(run).toReturn("EBADF");
  t.expect(run).toExitGracefully({ reason: "panic", message: /^a user called dup\(/ });
});

const needed = /loading needs CAP_BPF, CAP_PERFMON and CAP_SYS_MODULE/;

rexTest("a user may not load, unless it has the capabilities", asUser, async (t) => {
  await t.expect(t.load("hello", { user: 1000 })).rejects.toThrow(/refused to load hello: EPERM/);
  const capabilities = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_MODULE"];
  const without = { uid: 1000, capabilities: capabilities.slice(0, 2) };
  await t.expect(t.load("hello", { user: without })).toBeRejectedByLoader(needed);
  const program = await t.load("hello", { user: { uid: 1000, capabilities } });
  t.expect(program.programs).toHaveLength(1);
});

rexTest(
  "a tool is the user's, with the capabilities that it was given",
  { permissions: { user: true, hostTools: true }, memory: 192 },
  async (t) => {
    const status = (user: number | { readonly uid: number; readonly capabilities: readonly string[] }) =>
      t.guest.exec(["grep", "-E", "^(Uid|CapEff):", "/proc/self/status"], { user });
    const none = await status(1000);
    t.expect(none.stdout).toMatch(/^Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0{16}\n$/);
    const some = await status({ uid: 1000, capabilities: ["CAP_NET_ADMIN"] });
    t.expect(some.stdout).toMatch(/CapEff:\t0{12}1000\n$/);
  },
);
