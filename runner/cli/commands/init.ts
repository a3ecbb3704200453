// SPDX-License-Identifier: MIT
// `rex-test init`: a new project with a program, specs and a workflow.
import { relative } from "node:path";
import { Argument, Command } from "commander";
import { type InitResult, initProject } from "../../init/init.ts";
import { quoted } from "../../support/process.ts";

export const command = new Command("init")
  .description("make a new project: a program, specs that test it, a workflow for GitHub Actions")
  .addArgument(new Argument("[folder]", "where; made if need be").default(".", "this one"))
  .option(
    "--dependency <specifier>",
    "what package.json says of rex-test: a path (file:…), a tarball, a git URL or a version (default: this rex-test)",
  )
  .action(async (folder: string, { dependency }: { readonly dependency?: string }) => {
    const made = await initProject(folder, dependency);
    for (const path of made.written) console.log(`made   ${path}`);
    for (const path of made.kept) console.log(`kept   ${path} (it was there)`);
    for (const line of nextSteps(made, relative(process.cwd(), made.folder))) console.log(line);
  });

function nextSteps(made: InitResult, place: string): readonly string[] {
  const bare = !made.kept.includes("package.json");
  return [
    "",
    "Next:",
    "",
    ...(place === "" ? [] : [`    cd ${quoted(place)}`]),
    ...(bare
      ? ["    npm install", "    npm test"]
      : [
          `    npm install --save-dev ${quoted(made.dependency)}`,
          "    npx rex-test kernel build && npx rex-test run",
        ]),
    "",
    "The first time a kernel and the tools that build programs are built, which takes some minutes.",
  ];
}
