// SPDX-License-Identifier: MIT
// A cache folder with everything that the real one has, except its snapshots.
import { mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "../../../support/cache.ts";
import { cargoTarget } from "../../../support/cargo-target.ts";
import { temporaryFolder } from "./images.ts";

export interface OwnCache extends AsyncDisposable {
  readonly path: string;
  /** For the CLI, to use it. */
  readonly env: Readonly<Record<string, string>>;
}

/** The real cache must have the host tools: under another path they would be others to cargo, and built again. */
export async function ownCache(): Promise<OwnCache> {
  const folder = await temporaryFolder();
  const { path } = folder;
  const real = cacheRoot();
  for (const name of await readdir(real)) {
    // Locks name entries, and these are others.
    if (name !== "snapshots" && name !== "locks") await symlink(join(real, name), join(path, name));
  }
  await mkdir(join(path, "locks"));
  const { REX_TEST_AGENT: agent, REX_TEST_CARGO_REX: cargoRex } = process.env;
  const env = {
    REX_TEST_CACHE: path,
    REX_TEST_AGENT: agent ?? join(cargoTarget(), "x86_64-unknown-linux-gnu/release/rex-agent"),
    REX_TEST_CARGO_REX: cargoRex ?? join(cargoTarget(), "release/cargo-rex"),
  };
  return { path, env, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
