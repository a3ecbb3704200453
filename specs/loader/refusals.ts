// SPDX-License-Identifier: MIT
// One test for each way to damage an object: the kernel's refusal names what is wrong.
import { rex, rexTest } from "rex-test";
import { ElfEditor } from "./elf.ts";

export interface Damage {
  readonly name: string;
  readonly refusal: RegExp;
  readonly damage: (elf: ElfEditor) => ElfEditor;
}

/** Registers the tests; they damage the fixture "hello". */
export function refuseAll(damages: readonly Damage[]): void {
  rexTest.each(damages)("$name is refused", async (t, { refusal, damage }) => {
    const { object } = await t.compile("hello");
    const hostile = rex.object("hostile", damage(new ElfEditor(object)).bytes);
    await t.expect(t.load(hostile)).toBeRejectedByLoader(refusal);
    await t.expect(t.guest).toBeHealthy();
  });
}
