// SPDX-License-Identifier: MIT
// `rex-test cache`: where the cache is, what is in it, and how to get rid of it.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Argument, Command } from "commander";
import { type CacheSection, cacheRoot, cacheSections, exists } from "../../support/cache.ts";
import { RexTestError } from "../../support/errors.ts";
import { formatBytes, formatTable } from "../../support/format.ts";
import { interruption } from "../../support/interruption.ts";
import { runProcess, succeeded } from "../../support/process.ts";

export const command = new Command("cache").description("show or empty the cache folder");

command
  .command("path")
  .description("print the cache folder")
  .action(() => console.log(cacheRoot()));

command
  .command("list", { isDefault: true })
  .description("what is in the cache and how much room it takes")
  .action(async () => {
    const rows: string[][] = [];
    for (const section of cacheSections) {
      const folder = join(cacheRoot(), section);
      if (!(await exists(folder))) continue;
      const entries = (await readdir(folder)).filter((name) => !name.startsWith("."));
      rows.push([section, String(entries.length), formatBytes(await sizeOf(folder))]);
    }
    console.log(cacheRoot());
    if (rows.length > 0) console.log(formatTable([["section", "entries", "size"], ...rows]));
    else console.log("empty");
  });

command
  .command("clear")
  .description("remove sections of the cache, or all of it; what is needed again is made again")
  .addArgument(new Argument("[section...]", "sections to remove").choices(cacheSections))
  .action(async (sections: CacheSection[]) => {
    const root = cacheRoot();
    // A cache variable that points at somebody's home folder must not cost them their files: only known names go.
    for (const section of sections.length > 0 ? sections : cacheSections) {
      const folder = join(root, section);
      if (!(await exists(folder))) continue;
      await rm(folder, { recursive: true, force: true });
      console.log(`removed ${folder}`);
    }
  });

async function sizeOf(folder: string): Promise<number> {
  const finished = await runProcess("du", ["-s", "--block-size=1", folder], {
    signal: interruption,
    timeoutMs: 120_000,
  });
  const bytes = Number(finished.stdout.split("\t")[0]);
  if (!succeeded(finished) || Number.isNaN(bytes))
    throw new RexTestError("du failed", { where: folder, detail: finished.stderr });
  return bytes;
}
