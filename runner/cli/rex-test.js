#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Starts the CLI on a Node that runs TypeScript. Plain JavaScript for an older Node: when the Node that
// found this file is too old, it hands over to the one that the `node` npm package brought along.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tooFewThreads } from "./enough-threads.js";

const wantedMajor = 24;
/** Commands that load vitest. */
const withSpecs = ["run", "rerun", "debug", "ci", "mutants", "fuzz"];

const isNewEnough = Number(process.versions.node.split(".")[0]) >= wantedMajor;
const runsSpecs = withSpecs.includes(process.argv.slice(2).find((word) => !word.startsWith("-")) ?? "");
const trouble = tooFewThreads({ startsNode: !isNewEnough, runsSpecs });
if (trouble !== undefined) {
  console.error(trouble);
  process.exit(2);
}

if (isNewEnough) {
  if (import.meta.url.includes("/node_modules/")) await import("./strip-types.js");
  await import("./main.ts");
} else {
  const own = ownNode();
  if (own === undefined) {
    console.error(
      `rex-test needs Node ${wantedMajor} or newer and this is Node ${process.versions.node}.\n` +
        "The right one comes with the npm packages: run `npm ci` in the project, or in the repository `sh scripts/bootstrap`.",
    );
    process.exit(2);
  }
  const child = spawn(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    // The channel carries nothing: its end tells the child that this process is gone.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  // The terminal signals both of us; what is sent to this process alone is passed on.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exit(code ?? 2);
  });
}

/** Beside our other packages: in this folder's node_modules, or in that of the project which has us in its own. */
function ownNode() {
  for (const folder of ["../../node_modules/", "../../../"]) {
    const path = fileURLToPath(new URL(`${folder}node/bin/node`, import.meta.url));
    if (existsSync(path)) return path;
  }
  return undefined;
}
