// SPDX-License-Identifier: MIT
// Promise: limit and tick are sysctls. A value that makes no sense is refused and changes nothing.
import { rexTest } from "rex-test";

const folder = "/proc/sys/kernel/";

rexTest("the time limit and its tick are sysctls", async (t) => {
  const read = async (name: string) => (await t.guest.readFile(`${folder}${name}`)).trim();
  const write = (name: string, value: string) => t.guest.writeFile(`${folder}${name}`, `${value}\n`);

  await t.step("defaults", async () => {
    t.expect(await read("rex_timeout_ms")).toBe("1000");
    t.expect(await read("rex_tick_ms")).toBe("50");
  });
  await t.step("values in range are taken", async () => {
    for (const [name, value] of [
      ["rex_tick_ms", "1"],
      ["rex_timeout_ms", "10"],
      ["rex_tick_ms", "10"],
      ["rex_timeout_ms", "60000"],
      ["rex_tick_ms", "60000"],
      ["rex_tick_ms", "100"],
    ] as const) {
      await write(name, value);
      t.expect(await read(name)).toBe(value);
    }
  });
  await t.step("others are refused", async () => {
    for (const [name, value] of [
      ["rex_timeout_ms", "0"],
      ["rex_timeout_ms", "9"],
      ["rex_timeout_ms", "60001"],
      ["rex_timeout_ms", "99"],
      ["rex_timeout_ms", "-1"],
      ["rex_timeout_ms", "4294967396"],
      ["rex_timeout_ms", "soon"],
      ["rex_tick_ms", "0"],
      ["rex_tick_ms", "60001"],
    ] as const) {
      await t.expect(write(name, value), `${name} = ${value}`).rejects.toThrow(/EINVAL|Invalid argument/);
    }
    t.expect(await read("rex_timeout_ms")).toBe("60000");
    t.expect(await read("rex_tick_ms")).toBe("100");
  });
});
