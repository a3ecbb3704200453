// SPDX-License-Identifier: MIT
// A finding of the api's campaign as a spec: the program, the calls, and what each has to give.
import { type Call, Model, type Outcome } from "../api/model.ts";
import { callNames, operatorName, operatorSource, syscallName } from "../api/operator.ts";
import { type Complaint, keyOf } from "./trial.ts";

export function apiSpecText(calls: readonly Call[], complaint: Complaint, file: string): string {
  const title = keyOf(complaint);
  const model = new Model();
  const lines = calls.map((call) => {
    const { name, key, value, more } = call;
    const expected = model.apply(call);
    const outcome = "what" in expected ? undefined : expected;
    return `  // ${name}${"what" in expected ? `: ${expected.what}` : ""}
  await call(${callNames.indexOf(name)}, ${key}n, ${value}n, ${more}n${outcome === undefined ? "" : `, ${pair(outcome)}`});`;
  });
  const detail = complaint.detail.split("\n").slice(0, 40);
  return `// SPDX-License-Identifier: MIT
// Found by \`rex-test fuzz api\`.
// ${title}
${detail.map((line) => `// ${line}`.trimEnd()).join("\n")}
//
//     rex-test run ${file}
import { rex, rexTest, u32, u64 } from "rex-test";

const source = rex.program(${JSON.stringify(operatorName)})\`${operatorSource}\`;

rexTest(${JSON.stringify(title)}, { timeoutMs: 60_000 }, async (t) => {
  const program = await t.load(source);
  await program.attach();
  const status = program.map("STATUS", { key: u32, value: u64 });
  const value = program.map("VALUE", { key: u32, value: u64 });
  const call = async (operation: number, key: bigint, given: bigint, more: bigint, expected?: readonly [bigint, bigint]) => {
    const run = await t.guest.syscall(${JSON.stringify(syscallName)}, 999, operation, key, given, more, 0);
    t.expect(run).toReturn("EINVAL");
    t.expect(run.exits).toEqual([]);
    if (expected !== undefined) t.expect([await status.get(0), await value.get(0)]).toEqual(expected);
  };
${lines.join("\n")}
  await t.expect(t.guest).toBeHealthy();
});
`;
}

function pair({ status, value }: Outcome): string {
  return `[${status}n, ${value}n]`;
}
