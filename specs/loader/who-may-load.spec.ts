// SPDX-License-Identifier: MIT
// Promise: loading native code takes CAP_BPF, CAP_PERFMON and CAP_SYS_MODULE in the initial user namespace, and a kernel that is not
// locked down. Whoever lacks one of them is told which are needed.
import { rexTest, type TestContext } from "rex-test";
import { tryLoading } from "./trial.ts";

const needed = /^EPERM: object: loading needs CAP_BPF, CAP_PERFMON and CAP_SYS_MODULE, and no lockdown$/;

async function hello(t: TestContext): Promise<Uint8Array> {
  return (await t.compile("hello")).object;
}

rexTest("CAP_BPF, CAP_PERFMON and CAP_SYS_MODULE are enough", async (t) => {
  const keepCapabilities = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_MODULE"];
  t.expect(await tryLoading(t, await hello(t), { keepCapabilities })).toMatchObject({ loaded: 1 });
});

// CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, as everywhere in the kernel; nothing stands for CAP_SYS_MODULE.
rexTest.each([
  { without: "CAP_BPF", keepCapabilities: ["CAP_PERFMON", "CAP_SYS_MODULE", "CAP_NET_ADMIN"] },
  { without: "CAP_PERFMON", keepCapabilities: ["CAP_BPF", "CAP_SYS_MODULE", "CAP_NET_ADMIN"] },
  {
    without: "CAP_SYS_MODULE",
    keepCapabilities: ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_ADMIN", "CAP_NET_ADMIN"],
  },
  { without: "any capability", keepCapabilities: [] },
])("loading without $without is refused", async (t, { keepCapabilities }) => {
  const report = await tryLoading(t, await hello(t), { keepCapabilities });
  t.expect(report).toMatchObject({ loaded: 0, refused: { EPERM: 1 }, silent: 0 });
  t.expect(report.sentences).toEqual([t.expect.stringMatching(needed)]);
});

rexTest("root of another user namespace may not load", { requires: { config: "USER_NS" } }, async (t) => {
  const report = await tryLoading(t, await hello(t), { userNamespace: true });
  t.expect(report).toMatchObject({ loaded: 0, refused: { EPERM: 1 } });
  t.expect(report.sentences).toEqual([t.expect.stringMatching(needed)]);
});

rexTest(
  "a kernel that is locked down loads nothing",
  { requires: { config: "SECURITY_LOCKDOWN_LSM" }, kernelParameters: ["lockdown=integrity"] },
  async (t) => {
    const report = await tryLoading(t, await hello(t));
    t.expect(report).toMatchObject({ loaded: 0, refused: { EPERM: 1 } });
    t.expect(report.sentences).toEqual([t.expect.stringMatching(needed)]);
  },
);

rexTest(
  "a kernel that could be locked down and is not loads",
  { requires: { config: "SECURITY_LOCKDOWN_LSM" } },
  async (t) => {
    t.expect(await tryLoading(t, await hello(t))).toMatchObject({ loaded: 1 });
  },
);
