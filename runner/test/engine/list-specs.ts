// SPDX-License-Identifier: MIT
// The names of all tests, without running any.
import { relative } from "node:path";
import { RexTestError } from "../../support/errors.ts";
import { findSpecs } from "../collect/find-specs.ts";
import { collectSpecs } from "./collect.ts";
import type { RunSettings } from "./settings.ts";
import { listTests } from "./vitest-engine.ts";

/** "specs/hello.spec.ts > name", in the order of the files. */
export async function listSpecs(settings: RunSettings): Promise<readonly string[]> {
  const collected = await collectSpecs(await findSpecs(settings.paths, settings.cwd), settings.cwd);
  const [broken] = collected.brokenFiles;
  if (broken)
    throw new RexTestError("a spec could not be loaded", {
      outcome: "failure",
      where: broken.file,
      detail: broken.message,
    });
  const modules = await listTests({
    files: collected.files,
    root: settings.cwd,
    filter: settings.filter,
    jobs: settings.jobs,
    signal: settings.signal,
    stuck: settings.signal,
    // Nothing runs, so nobody connects.
    worker: {
      socketName: "",
      token: "",
      artifactsFolder: "",
      projectRoot: settings.cwd,
      defaultTimeoutMs: settings.timeoutMs,
      kernel: { name: "", path: "", options: {} },
    },
  });
  const lines: string[] = [];
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const ignored = test.options.mode === "skip";
      if (settings.filter && !settings.filter.pattern.test(test.fullName)) continue;
      lines.push(
        `${relative(settings.cwd, module.moduleId)} > ${test.fullName}${ignored ? "  (ignored)" : ""}`,
      );
    }
  }
  return lines;
}
