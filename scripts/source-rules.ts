// SPDX-License-Identifier: MIT
// Rules about the repository's own files: each names its licence, and none names a package registry.

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Files whose format has no comments, that are prose, data of the tests, written by a tool, or a template for somebody else's project. */
const withoutLicence =
  /(^|\/)(LICENSES\/|cargo-rex\/assets\/new-|templates\/project\/|\.gitignore$|\.gitattributes$|Cargo\.lock$|package-lock\.json$)|\.(json|md|svg|elf|bin|log|txt|snap|rex|o|stderr)$/;

/** kernel/ and rex-crate/ go with the kernel; everything else is MIT. */
export function licenceOf(path: string): string {
  return /^(kernel|rex-crate)\//.test(path) ? "GPL-2.0-only" : "MIT";
}

/** One line per file whose first lines do not carry its folder's SPDX identifier. */
export function findMissingLicences(files: readonly SourceFile[]): string[] {
  const problems: string[] = [];
  for (const { path, text } of files) {
    if (withoutLicence.test(path) || text === "") continue;
    const head = text.split("\n").slice(0, 5).join("\n");
    const found = /SPDX-License-Identifier: ([^\s*]+)/.exec(head)?.[1];
    const wanted = licenceOf(path);
    if (found === undefined) problems.push(`${path}: no SPDX line; ${wanted} is this folder's licence`);
    // A program fixture is compiled with the kernel crate, and may say so.
    else if (found !== wanted && !(path.startsWith("fixtures/") && found === "GPL-2.0-only")) {
      problems.push(`${path}: ${found}, but ${wanted} is this folder's licence`);
    }
  }
  return problems;
}

/** Pieces, so that this file does not name them either. */
const hosts = [
  ["registry", "npmjs", "org"],
  ["registry", "yarnpkg", "com"],
  ["index", "crates", "io"],
  ["static", "crates", "io"],
  ["deb", "debian", "org"],
  ["security", "debian", "org"],
  ["archive", "ubuntu", "com"],
  ["security", "ubuntu", "com"],
  ["static", "rust-lang", "org"],
  ["files", "pythonhosted", "org"],
].map((parts) => parts.join("."));

/** One line per place that names the host of a package registry. Lock files may. */
export function findHosts(files: readonly SourceFile[]): string[] {
  const problems: string[] = [];
  for (const { path, text } of files) {
    if (/(^|\/)(Cargo\.lock|package-lock\.json)$/.test(path)) continue;
    for (const [index, line] of text.split("\n").entries()) {
      const host = hosts.find((name) => line.includes(name));
      if (host !== undefined) problems.push(`${path}:${index + 1}: ${host}`);
    }
  }
  return problems;
}
