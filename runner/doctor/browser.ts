// SPDX-License-Identifier: MIT
// A browser of the Chromium family, which the HTML report is tested in.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Not chromium-browser: on Ubuntu that is a script which asks for a snap. */
const names = ["chromium", "google-chrome", "google-chrome-stable"];

/** $REX_TEST_CHROMIUM, or the first one on the path; undefined when there is none. */
export async function findBrowser(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const chosen = env["REX_TEST_CHROMIUM"];
  if (chosen) return chosen;
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    for (const name of names) {
      const path = join(folder || ".", name);
      const runs = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (runs) return path;
    }
  }
  return undefined;
}
