// SPDX-License-Identifier: MIT
// Promise: what a program still holds when it returns is released, logged and counted. No program that cargo rex builds can do
// that: its guards release. So a built one is changed afterwards: its release of the reference calls something else.
import { rex, rexTest } from "rex-test";
import { ElfEditor } from "../loader/elf.ts";
import { openSockets, ports, socketsInUse, withHostTools } from "../network.ts";
import { tcpSyn } from "../packets.ts";
import { expectNoSlabGrowth, settled } from "./slabs.ts";

const forgetful = rex.kprobe({ function: "__x64_sys_dup", name: "forgetful" })`
  use rex::task_struct::OwnedTaskStruct;

  fn forgetful(program: &kprobe, _ctx: &mut PtRegs) -> Result {
    let me = program.bpf_get_current_task().ok_or(-1)?.get_pid();
    let tasks = [OwnedTaskStruct::from_pid(me), OwnedTaskStruct::from_pid(me)];
    Ok(tasks.len() as i32 + program.bpf_get_smp_processor_id())
  }
`;

rexTest("what is left at a normal return is released", { sanitizeResources: false }, async (t) => {
  const { object } = await t.compile(forgetful);
  const changed = new ElfEditor(object).redirectImport("rex_task_release", "rex_get_smp_processor_id");
  const program = await t.load(rex.object("forgetful", changed.bytes));
  await using _link = await program.attach();
  let runs = 0;
  await expectNoSlabGrowth(t, 60, async () => {
    t.expect((await t.guest.syscall("dup", 999)).exits).toEqual([]);
    runs++;
  });
  const { rexStats } = await t.guest.inventory();
  t.expect(rexStats?.["unreleased"]).toBe(2 * runs);
  const log = await t.guest.log();
  t.expect(log.map(({ text }) => text)).toContainEqual(
    t.expect.stringMatching(/program forgetful .* returned with 2 resources held.*: released/),
  );
  await t.expect(t.guest).toBeHealthy();
});

rexTest("so is a socket", { ...withHostTools, sanitizeResources: false }, async (t) => {
  const { object } = await t.compile(rex.xdp({ name: "keeper" })`
    use rex::sock::*;

    fn keeper(program: &xdp, ctx: &mut xdp_md) -> Result {
      let (saddr, daddr) = (program.ip_header(ctx).saddr, program.ip_header(ctx).daddr);
      let (sport, dport) = (program.tcp_header(ctx).source, program.tcp_header(ctx).dest);
      let tuple = SockTuple4 { saddr, daddr, sport, dport };
      let sock = program.bpf_sk_lookup_tcp(ctx, &tuple, BPF_F_CURRENT_NETNS, 0).ok_or(1)?;
      Ok(sock.state() as i32 + 1 + program.bpf_get_smp_processor_id())
    }
  `);
  const changed = new ElfEditor(object).redirectImport("rex_sk_release", "rex_get_smp_processor_id");
  const program = await t.load(rex.object("keeper", changed.bytes));
  const sockets = await openSockets(t);
  const before = await socketsInUse(t);
  const localhost = { source: [127, 0, 0, 1], destination: [127, 0, 0, 1] };
  t.expect(await program.testRun({ data: tcpSyn(ports.client, ports.listener, localhost) })).toReturn(2);
  const { rexStats } = await t.guest.inventory();
  t.expect(rexStats?.["unreleased"]).toBe(1);
  await sockets.disconnect();
  const after = await settled(
    () => socketsInUse(t),
    (used) => used <= before - 2,
  );
  t.expect(after, "sockets").toBe(before - 2);
});
