// SPDX-License-Identifier: MIT
// Writes the cpio "newc" format that the kernel unpacks as initramfs (Documentation/driver-api/early-userspace/buffer-format.rst).
// Own code because an entry is 110 bytes of header, and the same input must give the same bytes: times are 0, owner is root.

export type CpioEntry =
  | { readonly kind: "folder"; readonly path: string; readonly mode?: number }
  | { readonly kind: "file"; readonly path: string; readonly contents: Uint8Array; readonly mode?: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | {
      readonly kind: "device";
      readonly path: string;
      readonly major: number;
      readonly minor: number;
      readonly mode?: number;
    };

const typeBits = { folder: 0o040000, file: 0o100000, symlink: 0o120000, device: 0o020000 } as const;
const defaultModes = { folder: 0o755, file: 0o644, symlink: 0o777, device: 0o600 } as const;

/** The archive; parents have to come before what they hold. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => record(entry, index + 1));
  parts.push(...record({ kind: "file", path: "TRAILER!!!", contents: new Uint8Array(), mode: 0 }, 0, true));
  return Buffer.concat(parts);
}

function record(entry: CpioEntry, inode: number, trailer = false): Buffer[] {
  const data = contentsOf(entry);
  const mode =
    typeBits[entry.kind] | (("mode" in entry ? entry.mode : undefined) ?? defaultModes[entry.kind]);
  const name = Buffer.from(`${entry.path}\0`);
  const fields = [
    inode,
    trailer ? 0 : mode,
    0, // uid
    0, // gid
    1, // links
    0, // mtime
    data.length,
    0, // device of the archive, major and minor
    0,
    entry.kind === "device" ? entry.major : 0,
    entry.kind === "device" ? entry.minor : 0,
    name.length,
    0, // checksum, unused in this variant
  ];
  const header = Buffer.from(
    `070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, "0")).join("")}`,
  );
  return [padded(Buffer.concat([header, name])), padded(data)];
}

function contentsOf(entry: CpioEntry): Buffer {
  if (entry.kind === "file") return Buffer.from(entry.contents);
  return entry.kind === "symlink" ? Buffer.from(entry.target) : Buffer.alloc(0);
}

function padded(bytes: Buffer): Buffer {
  const missing = (4 - (bytes.length % 4)) % 4;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}
