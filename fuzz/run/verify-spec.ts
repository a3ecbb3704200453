// SPDX-License-Identifier: MIT
// A finding of the verifier's campaign as a spec: the object, what is changed in it, and that rex-verify has to refuse it.
import { dirname, relative, resolve } from "node:path";
import type { Variant } from "../verify/damage.ts";
import { type Complaint, keyOf } from "./trial.ts";

export interface VerifyFinding {
  readonly source: string;
  readonly variant: Variant;
  readonly complaint: Complaint;
}

const runner = resolve(import.meta.dirname, "../../runner");

export function verifySpecText({ source, variant, complaint }: VerifyFinding, file: string): string {
  const title = keyOf(complaint);
  const detail = complaint.detail.split("\n").slice(0, 40);
  return `// SPDX-License-Identifier: MIT
// Found by \`rex-test fuzz verify\`.
// ${title}
${detail.map((line) => `// ${line}`.trimEnd()).join("\n")}
//
//     rex-test run ${file}
import { writeFile } from "node:fs/promises";
import { rex, rexTest } from "rex-test";
import { buildHostTools } from "${relative(dirname(resolve(file)), runner)}/test/engine/host-tools.ts";
import { runProcess } from "${relative(dirname(resolve(file)), runner)}/support/process.ts";

const source = rex.program("victim")\`${source}\`;
const variant = ${JSON.stringify(variant)} as const;

rexTest(${JSON.stringify(title)}, { timeoutMs: 120_000 }, async (t) => {
  const { path } = await t.compile(source);
  const { cargoRex, env } = await buildHostTools(t.signal, () => undefined);
  const input = \`\${JSON.stringify({ object: path })}\\n\${JSON.stringify({ id: "0", ...variant })}\\n\`;
  const { stdout, stderr } = await runProcess(cargoRex, ["rex", "verify", "--batch"], { input, env, timeoutMs: 60_000 });
  t.expect(stdout, stderr).toMatch(/"ok":false/);
});
`;
}
