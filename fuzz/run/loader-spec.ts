// SPDX-License-Identifier: MIT
// A finding of the loader's campaign as a spec: the object, and which of its damaged copies it is about.

export interface ObjectSource {
  readonly name: string;
  readonly text: string;
}

export interface About {
  readonly key: string;
  readonly detail: string;
  readonly reproduced: number;
  readonly attempts: number;
  readonly kernel: string;
}

export interface Rounds {
  readonly seed: number;
  readonly rounds: number;
}

export function loaderSpecText(
  { name, text }: ObjectSource,
  trial: { readonly mutate?: Rounds; readonly attrs?: Rounds },
  about: About,
  file: string,
): string {
  const detail = about.detail.split("\n").slice(0, 40);
  return `// SPDX-License-Identifier: MIT
// Found by \`rex-test fuzz ${trial.attrs === undefined ? "loader" : "bpf"}\` on the kernel ${about.kernel}, on ${about.reproduced} of ${about.attempts} fresh guests. The last round of its seed brings it about.
// ${about.key}
${detail.map((line) => `// ${line}`.trimEnd()).join("\n")}
//
//     rex-test run ${file}
import { rex, rexTest } from "rex-test";

const source = rex.program(${JSON.stringify(name)})\`${text}\`;

rexTest(${JSON.stringify(about.key)}, { timeoutMs: 90_000 }, async (t) => {
  const { object } = await t.compile(source);
  const stdin = Buffer.concat([Buffer.from('${JSON.stringify(trial)}\\n'), object]);
  const ran = await t.guest.exec(["/init", "load-trial"], { root: "guest", stdin, timeoutMs: 60_000 });
  t.expect(ran, ran.stderr).toMatchObject({ status: 0 });
  t.expect(JSON.parse(ran.stdout)).toMatchObject({ silent: 0, unexpected: [] });
  await t.expect(t.guest).toBeHealthy();
});
`;
}
