// SPDX-License-Identifier: MIT
// Builds a Rex kernel: source, our files, hooks, configuration (verified), make, and the finished kernel published whole. A
// kernel with the same recipe is found in the cache instead.
import { createHash } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { cachePath, cacheRoot, ensureFolder, exists, publishFolder } from "../support/cache.ts";
import { RexTestError } from "../support/errors.ts";
import { withLock } from "../support/lock.ts";
import { describeEnding, mustRun, runProcess, succeeded, tail } from "../support/process.ts";
import type { Progress } from "../support/progress.ts";
import { checksumsOfImages, type Kernel, readKernel, readOrRemoveKernel } from "./artifacts.ts";
import { findMismatches, mergeSettings, parseSettings } from "./fragment.ts";
import { keepNotes } from "./gcov.ts";
import { explainMismatch } from "./kconfig.ts";
import { type KernelChoice, makeRecipe, type Recipe } from "./recipe.ts";
import { describeSource } from "./source.ts";
import { expectedSteps, parseStep, rememberSteps } from "./steps.ts";
import { prepareTree } from "./tree.ts";

export interface BuildOptions extends KernelChoice {
  readonly jobs?: number | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface BuildResult {
  readonly kernel: Kernel;
  readonly cached: boolean;
}

/** The longest that a build of a big configuration may take on a small machine. */
const buildLimitMs = 3 * 3_600_000;

export async function buildKernel(options: BuildOptions): Promise<BuildResult> {
  const recipe = await makeRecipe(options);
  const ready = await readOrRemoveKernel(recipe.artifact);
  if (ready) return { kernel: ready, cached: true };
  const { progress, signal } = options;
  return await withLock(
    `kernel-${treeName(recipe)}`,
    async () => {
      // Whoever held the lock may have built just this one.
      const meanwhile = await readOrRemoveKernel(recipe.artifact);
      if (meanwhile) return { kernel: meanwhile, cached: true };
      return { kernel: await buildNow(recipe, options), cached: false };
    },
    {
      signal,
      waitMs: buildLimitMs,
      onWait: () => progress.update({ what: "waiting for another build of this source" }),
    },
  );
}

/** A directory keeps one tree whatever its contents, so that its builds stay incremental. */
export function treeName(recipe: Recipe): string {
  const { source } = recipe;
  return source.kind === "directory" ? source.id.replace(/-[0-9a-f]{12}$/, "") : source.id;
}

export interface Workplace {
  readonly tree: string;
  readonly output: string;
  readonly log: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly options: Site & Pick<BuildOptions, "jobs" | "progress" | "signal">;
}

/** Where a kernel is made and how much of it. */
export interface Site {
  /** Has trees/ and build/ in it, always in this arrangement: what ccache knows is told by the relative paths between them. */
  readonly root: string;
  readonly targets: readonly string[];
  /** Begins the name of the log. */
  readonly title: string;
}

async function buildNow(recipe: Recipe, options: BuildOptions): Promise<Kernel> {
  const started = performance.now();
  const site: Site = { root: cacheRoot(), targets: ["bzImage", "headers"], title: "kernel" };
  const work = await makeKernel(recipe, { ...options, ...site });
  return await publish(work, recipe, started);
}

/** Runs make at a site; nobody else may be at work there. The output folder has what the targets stand for. */
export async function makeKernel(recipe: Recipe, options: Workplace["options"]): Promise<Workplace> {
  const { root, title } = options;
  const name = treeName(recipe);
  const tree = await updateTree(recipe, options);
  const output = await ensureFolder(join(root, "build", `${name}-${recipe.config}`));
  await ensureFolder(cachePath("logs"));
  const log = cachePath("logs", `${title}-${name}-${recipe.config}.log`);
  await writeFile(log, "");
  const work: Workplace = { tree, output, log, environment: makeEnvironment(root), options };
  await configure(work, recipe);
  await compile(work, recipe);
  return work;
}

/** Brings a site's tree to what the recipe says; returns its path. */
export async function updateTree(
  recipe: Recipe,
  { root, progress, signal }: Pick<Workplace["options"], "root" | "progress" | "signal">,
): Promise<string> {
  const folder = await ensureFolder(join(root, "trees", treeName(recipe)));
  const overlay = { sources: recipe.runtime, files: recipe.overlayFiles, hooks: recipe.hooks };
  return await prepareTree(folder, recipe.source, overlay, progress, signal);
}

/** Fixed, so that the same recipe gives the same bytes, and whatever the user's shell sets does not get in. */
function makeEnvironment(root: string): Record<string, string> {
  return {
    LC_ALL: "C",
    KBUILD_BUILD_TIMESTAMP: "1970-01-01",
    KBUILD_BUILD_USER: "rex",
    KBUILD_BUILD_HOST: "rex-test",
    KBUILD_BUILD_VERSION: "1",
    CCACHE_DIR: cachePath("ccache"),
    CCACHE_BASEDIR: root,
    CCACHE_NOHASHDIR: "1",
    CCACHE_COMPILERCHECK: "content",
    // Keyed by the dependency file that kbuild asks for anyway, not by a preprocessor run of its own: a quarter of a cold build.
    CCACHE_DEPEND: "1",
    CCACHE_MAXSIZE: "5G",
    MAKEFLAGS: "",
    MFLAGS: "",
    ARCH: "x86_64",
    CROSS_COMPILE: "",
    KBUILD_OUTPUT: "",
  };
}

export function makeArguments(work: Workplace, targets: readonly string[]): string[] {
  return [
    "-C",
    work.tree,
    `O=${work.output}`,
    "LOCALVERSION=",
    "CC=ccache gcc",
    "HOSTCC=ccache gcc",
    ...targets,
  ];
}

async function make(work: Workplace, what: string, targets: readonly string[]): Promise<void> {
  await mustRun("make", makeArguments(work, targets), {
    what,
    env: work.environment,
    signal: work.options.signal,
    timeoutMs: 20 * 60_000,
    dieWithParent: true,
  });
}

/** allnoconfig, the fragments merged over it, olddefconfig; then every option that was asked for must be there. */
async function configure(work: Workplace, recipe: Recipe): Promise<void> {
  const stampFile = join(work.output, ".rex-test-config");
  const stamp = await configStamp(recipe);
  if ((await exists(stampFile)) && (await readFile(stampFile, "utf8")) === stamp) return;
  await rm(stampFile, { force: true });
  await configureAnew(work, recipe);
  await writeFile(stampFile, stamp);
}

/** Everything that a configuration depends on: while this is the same, so is .config. */
async function configStamp(recipe: Recipe): Promise<string> {
  const hash = createHash("sha256").update(`${recipe.source.id}\0${recipe.compiler}\0`);
  for (const { text } of [...recipe.fragments, ...recipe.hooks]) hash.update(`${text}\0`);
  for (const file of recipe.overlayFiles.filter((name) => basename(name) === "Kconfig"))
    hash.update(await readFile(join(recipe.runtime, file)));
  return hash.digest("hex");
}

async function configureAnew(work: Workplace, recipe: Recipe): Promise<void> {
  work.options.progress.update({ what: `configuring the kernel (${recipe.config})` });
  await make(work, "make allnoconfig", ["allnoconfig"]);
  const config = join(work.output, ".config");
  const merge = join(work.tree, "scripts/kconfig/merge_config.sh");
  const paths = recipe.fragments.map((fragment) => fragment.path);
  await mustRun("sh", [merge, "-m", "-O", work.output, config, ...paths], {
    what: "merging the config fragments",
    cwd: work.tree,
    env: work.environment,
    signal: work.options.signal,
  });
  await make(work, "make olddefconfig", ["olddefconfig"]);
  await verifyConfig(config, recipe, work.tree);
  work.options.progress.done("every option stuck");
}

async function verifyConfig(path: string, recipe: Recipe, tree: string): Promise<void> {
  const got = parseSettings(await readFile(path, "utf8"), path);
  const mismatches = findMismatches(mergeSettings(recipe.fragments), got);
  if (mismatches.length === 0) return;
  const reasons = await Promise.all(mismatches.map((mismatch) => explainMismatch(tree, mismatch, got)));
  throw new RexTestError(`${mismatches.length} of the kernel options asked for did not stick`, {
    where: recipe.fragments.map((fragment) => fragment.path).join("\n"),
    detail: reasons.join("\n"),
    hint: "add what an option needs to the fragment, or take the option out",
  });
}

async function compile(work: Workplace, recipe: Recipe): Promise<void> {
  const { progress, signal } = work.options;
  const jobs = work.options.jobs ?? availableParallelism();
  const what = `building Linux ${recipe.source.version} (${recipe.config}, ${describeSource(recipe.source)})`;
  const fromNothing = !(await exists(join(work.output, "vmlinux")));
  const total = fromNothing ? await expectedSteps(recipe.config) : undefined;
  let done = 0;
  progress.update({ what, done, total });
  const finished = await runProcess("make", makeArguments(work, [`-j${jobs}`, ...work.options.targets]), {
    env: work.environment,
    signal,
    timeoutMs: buildLimitMs,
    logPath: work.log,
    dieWithParent: true,
    onLine: (line) => {
      const item = parseStep(line);
      if (item === undefined) return;
      done += 1;
      progress.update({ what, done, total, item });
    },
  });
  if (!succeeded(finished)) {
    signal.throwIfAborted();
    throw new RexTestError(`the kernel build ${describeEnding(finished.ending)}`, {
      where: `log: ${work.log}`,
      detail: failureLines(await readFile(work.log, "utf8")),
    });
  }
  if (fromNothing) await rememberSteps(recipe.config, done);
  progress.done();
}

/** The compiler's and linker's complaints if there are any, else the end of the log. */
export function failureLines(log: string): string {
  const lines = log.split("\n");
  const first = lines.findIndex((line) =>
    /(?:: (?:fatal )?error:|undefined reference|^ld: |Error \d+$|\*\*\* )/.test(line),
  );
  return first < 0 ? tail(log.trimEnd(), 25) : lines.slice(Math.max(0, first - 2), first + 25).join("\n");
}

async function publish(work: Workplace, recipe: Recipe, started: number): Promise<Kernel> {
  const { output, options } = work;
  const { source, config, key, artifact } = recipe;
  options.progress.update({ what: "storing the kernel in the cache" });
  const name = artifact.slice(artifact.lastIndexOf("/") + 1);
  const builtMs = Math.round(performance.now() - started);
  const kernel: Omit<Kernel, "images"> = {
    name,
    version: source.version,
    config,
    source: source.id,
    key,
    path: artifact,
    builtMs,
  };
  await publishFolder(artifact, async (folder) => {
    await cp(join(output, "vmlinux"), join(folder, "vmlinux.debug"));
    await mustRun("strip", ["-o", join(folder, "vmlinux"), join(output, "vmlinux")], {
      what: "stripping vmlinux",
      env: { LC_ALL: "C" },
    });
    await cp(join(output, "arch/x86/boot/bzImage"), join(folder, "bzImage"));
    await cp(join(output, "System.map"), join(folder, "System.map"));
    await cp(join(output, ".config"), join(folder, "config"));
    await cp(join(output, "usr/include"), join(folder, "include"), {
      recursive: true,
      filter: (path) => !/\/(\.[^/]*|[^/]*\.cmd|Makefile)$/.test(path),
    });
    if (parseSettings(await readFile(join(output, ".config"), "utf8"), ".config").has("GCOV_KERNEL"))
      await keepNotes(output, recipe, folder);
    const images = await checksumsOfImages(folder);
    await writeFile(join(folder, "kernel.json"), `${JSON.stringify({ ...kernel, images }, null, 2)}\n`);
  });
  options.progress.done();
  return (await readKernel(artifact)) ?? { ...kernel, images: {} };
}

/** Removes what builds of a tree left behind, not the finished kernels. */
export async function removeBuilds(): Promise<void> {
  for (const section of ["build", "trees", "sources", "mutants"] as const)
    await rm(cachePath(section), { recursive: true, force: true });
}
