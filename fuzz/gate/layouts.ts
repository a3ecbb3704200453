// SPDX-License-Identifier: MIT
// Where the text of a program is. What the compiler reads and what the gate looks at must be the same, however files are called.
import type { Piece } from "./piece.ts";

/** A program to compile: one text, or files in a folder. */
export type Laid =
  | { readonly kind: "inline"; readonly text: string }
  | {
      readonly kind: "files";
      /** By their path in the folder. */
      readonly files: Readonly<Record<string, string>>;
      /** Symbolic links, by their path. */
      readonly links?: Readonly<Record<string, string>>;
      /** What is handed to the compiler, relative to the folder. */
      readonly program: string;
    };

export interface Layout {
  readonly name: string;
  /** Whether a harmless program is accepted in it; of some it is for the gate to say. */
  readonly isHarmless: boolean;
  lay(piece: Piece): Laid;
}

/** A whole program around a piece. */
export function mainText({ attributes, items, value }: Piece): string {
  return `${attributes.join("\n")}
#![no_std]
#![no_main]
#![allow(unused)]
#![recursion_limit = "2048"]
use rex::kprobe::kprobe;
use rex::pt_regs::PtRegs;
use rex::{Result, rex_kprobe};
${items}
#[rex_kprobe(function = "__x64_sys_dup")]
fn prog(_: &kprobe, ctx: &mut PtRegs) -> Result {
    let value: u64 = ${value};
    Ok((value ^ (value >> 32) ^ ctx.rdi()) as i32)
}
`;
}

const manifest = '[package]\nname = "attempt"\nversion = "0.1.0"\nedition = "2024"\n';
const harmlessModule = "pub fn value() -> u64 { 0 }\n";

const moduleText = ({ items, value }: Piece) => `${items}\npub fn value() -> u64 { ${value} }\n`;

interface Apart {
  /** Files that the name could be taken for. */
  readonly decoys?: readonly string[];
  readonly isHarmless?: boolean;
  readonly frame?: (text: string) => string;
}

/** A project whose piece is in a file of its own. */
function apart(
  name: string,
  file: string,
  declaration: string,
  { decoys = [], isHarmless = decoys.length === 0, frame = (text) => text }: Apart = {},
): Layout {
  const lay = (piece: Piece): Laid => ({
    kind: "files",
    program: ".",
    files: {
      "Cargo.toml": manifest,
      "src/main.rs": mainText({ attributes: piece.attributes, items: declaration, value: "hidden::value()" }),
      [file]: frame(moduleText(piece)),
      ...Object.fromEntries(decoys.map((decoy) => [decoy, harmlessModule])),
    },
  });
  return { name, isHarmless, lay };
}

const module = (path: string) => `#[path = ${JSON.stringify(path)}] mod hidden;`;

/** A project whose manifest, or what is beside it, says something else to the compiler than to us. */
function project(
  name: string,
  manifestText: string,
  more: (piece: Piece) => Readonly<Record<string, string>> = () => ({}),
  isHarmless = false,
): Layout {
  const lay = (piece: Piece): Laid => ({
    kind: "files",
    program: ".",
    files: { "Cargo.toml": manifestText, "src/main.rs": mainText(piece), ...more(piece) },
  });
  return { name, isHarmless, lay };
}

/** The whole text, with something in front and behind. */
function framed(name: string, frame: (text: string) => string, isHarmless = true): Layout {
  return { name, isHarmless, lay: (piece) => ({ kind: "inline", text: frame(mainText(piece)) }) };
}

const lifting = "-Aunsafe-code\n--cap-lints=allow\n";

export const plain: Layout = framed("main.rs", (text) => text);

export const layouts: readonly Layout[] = [
  plain,
  framed("a byte order mark", (text) => `\ufeff${text}`),
  framed("line ends of another system", (text) => text.replaceAll(/\r?\n/g, "\r\n")),
  framed("a shebang that opens a comment", (text) => `#!/bin/rex /*\n${text}//*/\n`),
  framed("a shebang that opens a string", (text) => `#!/bin/rex r##"\n${text}//"##\n`),
  framed("a shebang behind a byte order mark", (text) => `\ufeff#!/bin/rex /*\n${text}//*/\n`),
  framed("a shebang with a quote", (text) => `#!/bin/rex '\n${text}`),
  framed("a front matter", (text) => `---\n/*\n---\n${text}//*/\n`, false),
  framed("an end that is open", (text) => `${text}// '"`),
  project("a project", manifest, undefined, true),
  apart("a module", "src/hidden.rs", "mod hidden;"),
  apart("a module in a folder", "src/hidden/mod.rs", "mod hidden;"),
  apart("a module at a path", "elsewhere/h.rs", module("../elsewhere/h.rs")),
  apart("a module with a blank in its name", "src/a b.rs", module("a b.rs")),
  apart("a module with a backslash in its name", "src/a\\b.rs", module("a\\b.rs"), {
    decoys: ["src/ab.rs"],
  }),
  apart("a module with a backslash before a blank", "src/a\\ b.rs", module("a\\ b.rs"), {
    decoys: ["src/a b.rs", "src/a\\", "b.rs"],
  }),
  apart("a module with a new line in its name", "src/a\nb.rs", module("a\nb.rs"), {
    decoys: ["src/a"],
  }),
  apart("a module with a colon in its name", "src/a: b.rs", module("a: b.rs")),
  apart("a module with a number sign in its name", "src/#a.rs", module("#a.rs")),
  apart("a module with an accent in its name", "src/é.rs", module("é.rs")),
  apart("a hidden module", "src/.hidden.rs", module(".hidden.rs"), { isHarmless: false }),
  apart("a module among what was built", "target/hidden.rs", module("../target/hidden.rs"), {
    isHarmless: false,
  }),
  apart("a file that is included", "src/hidden.txt", 'mod hidden { include!("hidden.txt"); }'),
  apart(
    "a file that is included by another path",
    "src/hidden.txt",
    'mod hidden { include!(concat!("./.././src", "/hidden.txt")); }',
  ),
  apart("a module with a shebang", "src/hidden.rs", "mod hidden;", {
    frame: (text) => `#!/bin/rex /*\n${text}//*/\n`,
  }),
  {
    name: "a module behind a link",
    isHarmless: true,
    lay: (piece) => ({
      kind: "files",
      program: ".",
      files: {
        "Cargo.toml": manifest,
        "src/main.rs": mainText({
          attributes: piece.attributes,
          items: "mod hidden;",
          value: "hidden::value()",
        }),
        "src/real.rs": moduleText(piece),
      },
      links: { "src/hidden.rs": "real.rs" },
    }),
  },
  {
    name: "a module outside of the program",
    isHarmless: false,
    lay: (piece) => ({
      kind: "files",
      program: "inside",
      files: {
        "inside/Cargo.toml": manifest,
        "inside/src/main.rs": mainText({
          attributes: piece.attributes,
          items: "mod hidden;",
          value: "hidden::value()",
        }),
        "outside.rs": moduleText(piece),
      },
      links: { "inside/src/hidden.rs": "../../outside.rs" },
    }),
  },
  {
    name: "a single file",
    isHarmless: true,
    lay: (piece) => ({ kind: "files", program: "attempt.rs", files: { "attempt.rs": mainText(piece) } }),
  },
  {
    name: "a single file with a module",
    isHarmless: false,
    lay: (piece) => ({
      kind: "files",
      program: "attempt.rs",
      files: {
        "attempt.rs": mainText({
          attributes: piece.attributes,
          items: "mod hidden;",
          value: "hidden::value()",
        }),
        "hidden.rs": moduleText(piece),
      },
    }),
  },
  {
    name: "a single file that is the compiler's arguments",
    isHarmless: false,
    lay: (piece) => ({
      kind: "files",
      program: "@attempt.rs",
      files: {
        "@attempt.rs": `main.rs\n${lifting}`,
        "attempt.rs": `main.rs\n${lifting}`,
        "main.rs": mainText(piece),
      },
    }),
  },
  project(
    "arguments of the compiler in the manifest",
    `${manifest}[[bin]]\nname = "attempt"\npath = "@arguments"\n`,
    () => ({
      arguments: `src/main.rs\n${lifting}`,
      "@arguments": "",
    }),
  ),
  project(
    "an option of the compiler in the manifest",
    `${manifest}[[bin]]\nname = "attempt"\npath = "--cap-lints=allow"\n`,
  ),
  project("a build script", `${manifest}build = "build.rs"\n`, () => ({ "build.rs": "fn main() {}\n" })),
  project("a build script that nobody names", manifest, () => ({ "build.rs": "fn main() {}\n" })),
  project("a dependency", `${manifest}[dependencies]\nlibc = "0.2"\n`),
  project("a dependency for a target", `${manifest}[target.'cfg(all())'.dependencies]\nlibc = "0.2"\n`),
  project(
    "flags in the manifest",
    `cargo-features = ["profile-rustflags"]\n${manifest}[profile.dev]\nrustflags = ["--cap-lints=allow"]\n`,
  ),
  project(
    "lints in the manifest",
    `${manifest}[lints.rust]\nunsafe_code = "allow"\n[lints.clippy]\ndisallowed_methods = "allow"\n`,
  ),
  project("flags for cargo", manifest, () => ({
    ".cargo/config.toml": '[build]\nrustflags = ["--cap-lints=allow"]\nrustc-wrapper = "./src/main.rs"\n',
  })),
  project("settings of clippy", manifest, () => ({
    "clippy.toml": "disallowed-methods = []\ndisallowed-types = []\n",
    ".clippy.toml": "disallowed-methods = []\ndisallowed-types = []\n",
  })),
  project("another toolchain", manifest, () => ({
    "rust-toolchain.toml": '[toolchain]\nchannel = "nightly"\n',
  })),
];
