// SPDX-License-Identifier: MIT
// Promise: everything that an object can have many of has a limit, which is named when it is exceeded by one.
import { rexTest } from "rex-test";
import {
  dynamic,
  ElfEditor,
  headerFields,
  mapRecord,
  progRecord,
  programHeader,
  relocation,
  sectionHeader,
  segmentTypes,
  symbol,
  tags,
} from "./elf.ts";
import { type Trial, tryLoading } from "./trial.ts";

const most = {
  bytes: 4 << 20,
  segments: 8,
  sections: 64,
  relocations: 65_536,
  symbols: 8_192,
  programs: 64,
  maps: 64,
};

interface Excess {
  readonly what: string;
  readonly refusal: RegExp;
  readonly trial?: Trial;
  readonly exceed?: (elf: ElfEditor) => unknown;
}

/** A section of so many records, in a segment of its own and with room in the file. */
function enlarge(elf: ElfEditor, name: string, count: number, recordBytes: number): void {
  const { header } = elf.section(name);
  const size = count * recordBytes;
  const address = elf.addSegment(size);
  elf.setU64(header + sectionHeader.offset, elf.append(Buffer.alloc(size)));
  elf.setU64(header + sectionHeader.addr, address);
  elf.setU64(header + sectionHeader.size, size);
}

const excesses: readonly Excess[] = [
  {
    what: "an object that is a byte too big",
    refusal: /^E2BIG: object: 4194305 bytes, allowed are 1 to 4194304$/,
    trial: { elfSize: most.bytes + 1 },
  },
  {
    what: "an object of no bytes",
    refusal: /^E2BIG: object: 0 bytes, allowed are 1 to 4194304$/,
    trial: { elfSize: 0 },
  },
  {
    what: "one segment too many",
    refusal: /^E2BIG: segment \d+: at most 8 are allowed$/,
    exceed: (elf) => {
      const loads = elf
        .headers()
        .filter((at) => elf.u32(at + programHeader.type) === segmentTypes.load).length;
      for (let count = loads; count <= most.segments; count++) elf.addSegment(8);
    },
  },
  {
    what: "one section too many",
    refusal: /^E2BIG: object: 65 sections, at most 64 are allowed$/,
    exceed: (elf) => {
      const size = elf.bytes.readUInt16LE(headerFields.shentsize);
      const start = elf.u64(headerFields.shoff);
      const table = Buffer.alloc((most.sections + 1) * size);
      elf.bytes.copy(table, 0, start, start + elf.bytes.readUInt16LE(headerFields.shnum) * size);
      elf.setU64(headerFields.shoff, elf.append(table)).setU16(headerFields.shnum, most.sections + 1);
    },
  },
  {
    what: "one relocation too many",
    refusal: /^E2BIG: object: 65537 relocations, at most 65536 are allowed$/,
    exceed: (elf) => {
      const size = (most.relocations + 1) * relocation.bytes;
      const address = elf.addSegment(size);
      elf.setU64(elf.dynamicEntry(tags.rela) + dynamic.value, address);
      elf.setU64(elf.dynamicEntry(tags.relasz) + dynamic.value, size);
    },
  },
  {
    what: "one symbol too many",
    refusal: /^E2BIG: section \.symtab: 8193 symbols, at most 8192 are allowed$/,
    exceed: (elf) => {
      const size = (most.symbols + 1) * symbol.bytes;
      const { header } = elf.section(".symtab");
      elf.setU64(header + sectionHeader.offset, elf.append(Buffer.alloc(size)));
      elf.setU64(header + sectionHeader.size, size);
    },
  },
  {
    what: "one program too many",
    refusal: /^E2BIG: object: 65 programs, at most 64 are allowed$/,
    exceed: (elf) => enlarge(elf, ".rex.progs", most.programs + 1, progRecord.bytes),
  },
  {
    what: "one map too many",
    refusal: /^E2BIG: object: 65 maps, at most 64 are allowed$/,
    trial: { mapCount: most.maps + 1 },
    exceed: (elf) => enlarge(elf, ".rex.maps", most.maps + 1, mapRecord.bytes),
  },
];

rexTest.each(excesses)("$what is refused", async (t, { refusal, trial, exceed }) => {
  const elf = new ElfEditor((await t.compile("hello")).object);
  exceed?.(elf);
  const report = await tryLoading(t, elf.bytes, { maps: [{ name: "CALLS", noMap: true }], ...trial });
  t.expect(report).toMatchObject({ loaded: 0, silent: 0 });
  t.expect(report.sentences).toEqual([t.expect.stringMatching(refusal)]);
});

rexTest("a log that is longer than allowed is refused, and one byte of log is enough to load", async (t) => {
  const { object } = await t.compile("hello");
  t.expect(await tryLoading(t, object, { logSize: 65_537 })).toMatchObject({ refused: { E2BIG: 1 } });
  t.expect(await tryLoading(t, object, { logSize: 1 })).toMatchObject({ loaded: 1 });
  t.expect(await tryLoading(t, object, { logSize: 0 })).toMatchObject({ loaded: 1 });
  t.expect(await tryLoading(t, object, { flags: 1 })).toMatchObject({ refused: { EINVAL: 1 } });
});

rexTest("a log that is too short for the sentence is cut, not written beyond", async (t) => {
  const report = await tryLoading(t, new Uint8Array(4096), { maps: [], logSize: 12 });
  t.expect(report.sentences).toEqual(["ENOEXEC: object: not"]);
});
