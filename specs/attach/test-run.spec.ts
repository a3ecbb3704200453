// SPDX-License-Identifier: MIT
// Promise: BPF_PROG_TEST_RUN, which any program may be given to, refuses a Rex program of a type that has no such run.
import { rex, rexTest } from "rex-test";

const programs = {
  kprobe: rex.kprobe({ function: "__x64_sys_dup", name: "on_dup" })`
    fn on_dup(_: &kprobe, _ctx: &mut PtRegs) -> Result { Ok(0) }
  `,
  tracepoint: rex.tracepoint({ context: "SyscallsEnterDupCtx", name: "at_dup" })`
    fn at_dup(_: &tracepoint<Ctx>, _ctx: &'static Ctx) -> Result { Ok(0) }
  `,
  "perf event": rex.perfEvent({ name: "sample" })`
    fn sample(_: &perf_event, _ctx: &bpf_perf_event_data) -> Result { Ok(0) }
  `,
};

for (const [type, source] of Object.entries(programs)) {
  rexTest(`a ${type} program has no test run`, async (t) => {
    const program = await t.load(source);
    await t.expect(program.testRun()).rejects.toThrow(/have no test run/);
    await t.expect(t.guest).toBeHealthy();
  });
}
