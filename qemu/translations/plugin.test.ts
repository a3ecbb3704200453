// SPDX-License-Identifier: MIT
// The plugin in a machine that boots a few instructions.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findQemu } from "../virtual-machine.ts";
import { translationPlugin } from "./plugin.ts";
import { TranslatedBlocks } from "./translated-blocks.ts";

const limitMs = 60_000;
/** Where the firmware loads a boot sector. */
const origin = 0x7c00n;
const code = [
  ...[0xb0, 0x00], // 7c00: mov al, 0
  ...[0xeb, 0x02], // 7c02: jmp 7c06
  ...[0xf4, 0xf4], // 7c04: hlt; hlt
  ...[0xe6, 0xf4], // 7c06: out 0xf4, al, which ends QEMU with status 1
  ...[0xeb, 0xfe], // 7c08: jmp 7c08
];

it(
  "notes the blocks that a guest is about to run, in the range that is asked for",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "rex-test-plugin-"));
    const blocks = await TranslatedBlocks.create();
    try {
      const disk = join(folder, "disk");
      const sector = Buffer.alloc(512);
      sector.set(code);
      sector.writeUInt16LE(0xaa55, 510);
      await writeFile(disk, sector);
      const plugin = await translationPlugin(AbortSignal.timeout(limitMs));
      const machine = ["-machine", "pc", "-accel", "tcg", "-nodefaults", "-display", "none", "-no-reboot"];
      const devices = ["-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive", `file=${disk},format=raw`];
      const noting = ["-plugin", `file=${plugin},fd=3,from=0x7c00,to=0x7e00`];
      const qemu = spawn(await findQemu(), [...machine, ...devices, ...noting], {
        stdio: ["ignore", "ignore", "inherit", blocks.descriptor],
        timeout: limitMs,
      });
      expect(await once(qemu, "exit")).toEqual([1, null]);
      const noted = await blocks.take();
      expect(noted[0]).toEqual({ start: origin, end: origin + 4n });
      expect(noted.some(({ start }) => start === origin + 6n)).toBe(true);
      expect(noted.some(({ start, end }) => start < origin + 6n && end > origin + 4n)).toBe(false);
      expect(noted.every(({ start }) => start >= origin && start < origin + 512n)).toBe(true);
    } finally {
      await blocks.close();
      await rm(folder, { recursive: true });
    }
  },
  2 * limitMs,
);
