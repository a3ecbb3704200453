// SPDX-License-Identifier: MIT
// Promise: a trap ends the program in every context: in a system call, in a soft interrupt, in a hardware interrupt, and at the
// level of an NMI, which is where a kprobe runs that is a breakpoint.
import { rex, rexTest } from "rex-test";
import { contexts } from "../contexts.ts";
import { alter, instructions } from "./altered.ts";

const kinds = [
  { name: "an invalid opcode", bytes: instructions.ud2, message: /^#UD/ },
  { name: "a push into the guard page", bytes: instructions.pushForever, message: /^guard page/ },
];

for (const context of contexts) {
  for (const { name, bytes, message } of kinds) {
    rexTest(`${name} in ${context.name} ends the program`, async (t) => {
      const { object } = await t.compile("hello");
      const faulty = await t.load(rex.object("faulty", alter(object, bytes)));
      const link = await context.attach(t, faulty);
      const endings = await context.endings(t);
      await link.detach();
      for (const ending of [...endings, ...(await t.guest.exits())])
        t.expect(ending).toMatchObject({ reason: "fault", message: t.expect.stringMatching(message) });
      await t.expect(t.guest).toBeHealthy();
    });
  }
}
