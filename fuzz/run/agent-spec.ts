// SPDX-License-Identifier: MIT
// A finding of the agent's campaign as a spec. A test's own guest lets nobody talk to its agent below requests and answers, so that the
// spec has one of the fuzzer's.
import { dirname, relative, resolve } from "node:path";
import type { Frame } from "../agent/frames.ts";
import { type Complaint, keyOf } from "./trial.ts";

export function agentSpecText(frames: readonly Frame[], complaint: Complaint, file: string): string {
  const title = keyOf(complaint);
  const detail = complaint.detail.split("\n").slice(0, 40);
  const here = relative(dirname(resolve(file)), import.meta.dirname);
  return `// SPDX-License-Identifier: MIT
// Found by \`rex-test fuzz agent\`.
// ${title}
${detail.map((line) => `// ${line}`.trimEnd()).join("\n")}
//
//     rex-test run ${file}
import { rexTest } from "rex-test";
import { converseAgain } from "${here}/agent-again.ts";

/** Payloads in base64: ${frames.map(({ kind }) => kind).join("; ")}. */
const frames = ${JSON.stringify(
    frames.map(({ payload }) => payload.toString("base64")),
    null,
    2,
  )};

rexTest(${JSON.stringify(title)}, { timeoutMs: 180_000 }, async (t) => {
  t.expect(await converseAgain(frames, t.signal)).toEqual([]);
});
`;
}
