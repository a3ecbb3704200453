// SPDX-License-Identifier: MIT
// Node runs TypeScript, but refuses to under node_modules, where a project that depends on rex-test has this package. For the
// files of this package alone the refusal is lifted; those of others stay refused.
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";

const own = new URL("../../", import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    if (!isOurs(url)) return nextLoad(url, context);
    const source = quietly(() => stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8")));
    return { format: "module", source, shortCircuit: true };
  },
});

function isOurs(url) {
  return url.startsWith(own) && url.endsWith(".ts") && !url.includes("/node_modules/", own.length);
}

/** Node warns once that stripping by function call is experimental, which its users can do nothing about. */
function quietly(work) {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return work();
  } finally {
    process.emitWarning = emitWarning;
  }
}
