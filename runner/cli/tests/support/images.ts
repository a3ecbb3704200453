// SPDX-License-Identifier: MIT
// Things that a guest can't be made of, or hardly: for tests of what is said about it.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "rex-test-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A kernel folder whose kernel is a text file. */
export async function bogusKernel(folder: string): Promise<string> {
  const path = join(folder, "bogus-kernel");
  await mkdir(join(path, "include"), { recursive: true });
  await writeFile(join(path, "vmlinux"), "this is not a kernel\n".repeat(100));
  return path;
}

/** An init that never says anything: it calls pause(2) for ever. */
export function silentInit(folder: string): Promise<string> {
  const code = [0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7]; // mov $__NR_pause,%eax; syscall; jmp back
  return executable(join(folder, "silent-init"), Buffer.from(code));
}

/** An init that ends at once, at which the kernel panics: it calls exit_group(2). */
export function endingInit(folder: string): Promise<string> {
  const code = [0xb8, 231, 0, 0, 0, 0x0f, 0x05]; // mov $__NR_exit_group,%eax; syscall
  return executable(join(folder, "ending-init"), Buffer.from(code));
}

/** The smallest ELF executable that runs this code. */
async function executable(path: string, code: Buffer): Promise<string> {
  const base = 0x400000;
  const headers = 64 + 56;
  const elf = Buffer.alloc(headers + code.length);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(62, 18); // EM_X86_64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(base + headers), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program headers follow
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // PT_LOAD
  elf.writeUInt32LE(5, 68); // read and execute
  elf.writeBigUInt64LE(BigInt(base), 80);
  elf.writeBigUInt64LE(BigInt(base), 88);
  elf.writeBigUInt64LE(BigInt(elf.length), 96);
  elf.writeBigUInt64LE(BigInt(elf.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  elf.set(code, headers);
  await writeFile(path, elf, { mode: 0o755 });
  return path;
}
