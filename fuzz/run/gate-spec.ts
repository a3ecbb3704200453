// SPDX-License-Identifier: MIT
// A finding of the gate's campaign as a spec: the program, and the sign that must not be in its object.
import { type Attempt, describeAttempt, programOf } from "../gate/attempt.ts";
import { honest } from "../gate/cores.ts";
import type { Complaint } from "./trial.ts";
import { keyOf } from "./trial.ts";

export function gateSpecText(attempt: Attempt, complaint: Complaint, file: string): string {
  const title = keyOf(complaint);
  return `// SPDX-License-Identifier: MIT
// Found by \`rex-test fuzz gate\`.
// ${title}
// ${describeAttempt(attempt)}
//
//     rex-test run ${file}
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { rex, rexTest } from "rex-test";

rexTest(${JSON.stringify(title)}, { timeoutMs: 120_000 }, async (t) => {
${sourceText(attempt)}
${attempt.core === honest ? "  await t.compile(source);" : refusal(attempt)}
});
`;
}

function sourceText(attempt: Attempt): string {
  const laid = programOf(attempt);
  if (laid.kind === "inline")
    return `  const text = ${JSON.stringify(laid.text)};\n  const source = rex.program("attempt")\`\${text}\`;`;
  return `  const files: Readonly<Record<string, string>> = ${JSON.stringify(laid.files, null, 2)};
  const links: Readonly<Record<string, string>> = ${JSON.stringify(laid.links ?? {})};
  const folder = await mkdtemp(join(tmpdir(), "rex-gate-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  for (const [path, target] of Object.entries(links)) await symlink(target, join(folder, path));
  const source = { kind: "fixture", name: "attempt", path: join(folder, ${JSON.stringify(laid.program)}) } as const;`;
}

function refusal({ core: { sign } }: Attempt): string {
  const bytes = sign.kind === "bytes" ? sign.bytes : Buffer.from(`\0${sign.name}\0`, "latin1");
  return `  // An acceptance that means nothing is no hole: then the compiler has dropped it.
  const built = await t.compile(source).catch((error: unknown) => {
    t.expect(String(error)).toMatch(/does not build/);
    return undefined;
  });
  const sign = Buffer.from("${Buffer.from(bytes).toString("hex")}", "hex");
  t.expect(built?.object.includes(sign) ?? false).toBe(false);`;
}
