// SPDX-License-Identifier: MIT
// Promise: the records of programs and maps are checked field by field before anything is done with them.
import { rex, rexTest } from "rex-test";
import { ElfEditor, flags, mapRecord, progRecord, relocation, sectionHeader } from "./elf.ts";
import { type Damage, refuseAll } from "./refusals.ts";
import { tryLoading } from "./trial.ts";

const program = (elf: ElfEditor, field: keyof typeof progRecord) =>
  elf.section(".rex.progs").offset + progRecord[field];
const map = (elf: ElfEditor, field: keyof typeof mapRecord) =>
  elf.section(".rex.maps").offset + mapRecord[field];

const damages: readonly Damage[] = [
  {
    name: "a program of another ABI version",
    refusal: /EPROTO: program 0: ABI version 99, this kernel has \d+/,
    damage: (elf) => elf.setU32(program(elf, "abiVersion"), 99),
  },
  {
    name: "a program of an unknown type",
    refusal: /EOPNOTSUPP: program hello: type 4294967295 is not supported/,
    damage: (elf) => elf.setU32(program(elf, "type"), 0xffff_ffff),
  },
  {
    name: "a program without a type",
    refusal: /EOPNOTSUPP: program hello: type 0 is not supported/,
    damage: (elf) => elf.setU32(program(elf, "type"), 0),
  },
  {
    name: "a program with unknown flags",
    refusal: /EINVAL: program hello: its record is malformed/,
    damage: (elf) => elf.setU32(program(elf, "flags"), 0x8000_0000),
  },
  {
    name: "a program that reads more context than there is",
    refusal: /EINVAL: program hello: reads 65535 bytes of context, its type has \d+/,
    damage: (elf) => elf.setU32(program(elf, "contextSize"), 0xffff),
  },
  {
    name: "a program that says it needs more stack than it may use",
    refusal: /EINVAL: program hello: a stack of 16385 bytes at most, possible are 24 to 16384/,
    damage: (elf) => elf.setU32(program(elf, "stackBytes"), 16_385),
  },
  {
    name: "a program that says it needs no stack worth mentioning",
    refusal: /EINVAL: program hello: a stack of 23 bytes at most, possible are 24 to 16384/,
    damage: (elf) => elf.setU32(program(elf, "stackBytes"), 23),
  },
  {
    name: "a program without a name",
    refusal: /ENOEXEC: program 0: its name is not an identifier/,
    damage: (elf) => elf.setU8(program(elf, "name"), 0),
  },
  {
    name: "a program named like a path",
    refusal: /ENOEXEC: program 0: its name is not an identifier/,
    damage: (elf) => elf.setU8(program(elf, "name"), 0x2f),
  },
  {
    name: "a program name that does not end",
    refusal: /ENOEXEC: program 0: its name is not an identifier/,
    damage: (elf) => {
      elf.bytes.fill(0x41, program(elf, "name"), program(elf, "attach"));
      return elf;
    },
  },
  {
    name: "a place to attach to that does not end",
    refusal: /EINVAL: program hello: its record is malformed/,
    damage: (elf) => {
      elf.bytes.fill(0x41, program(elf, "attach"), program(elf, "entry"));
      return elf;
    },
  },
  {
    name: "a section of programs of odd size",
    refusal: /ENOEXEC: section \.rex\.progs: size 223 is not a multiple of 224/,
    damage: (elf) => elf.setU64(elf.section(".rex.progs").header + sectionHeader.size, progRecord.bytes - 1),
  },
  {
    name: "an object without programs",
    refusal: /ENOEXEC: object: no programs/,
    damage: (elf) => elf.setU64(elf.section(".rex.progs").header + sectionHeader.size, 0),
  },
  {
    name: "programs that are not in memory",
    refusal: /ENOEXEC: section \.rex\.progs: not aligned inside a segment/,
    damage: (elf) => elf.setU64(elf.section(".rex.progs").header + sectionHeader.addr, 0x7fff_f000),
  },
  {
    name: "programs in the records of maps",
    refusal: /ENOEXEC: section \.rex\.progs: /,
    damage: (elf) => {
      const { address, offset, size } = elf.section(".rex.maps");
      const { header } = elf.section(".rex.progs");
      return elf
        .setU64(header + sectionHeader.addr, address)
        .setU64(header + sectionHeader.offset, offset)
        .setU64(header + sectionHeader.size, size);
    },
  },
];

refuseAll(damages);

// User space would not even create a map for these records: the kernel gets a descriptor of something else, and must not come to look at it.
const mapDamages: readonly Damage[] = [
  {
    name: "a map of another ABI version",
    refusal: /EPROTO: map 0: ABI version 99, this kernel has \d+/,
    damage: (elf) => elf.setU32(map(elf, "abiVersion"), 99),
  },
  {
    name: "a map of an unknown type",
    refusal: /EOPNOTSUPP: map CALLS: type 4294967295 is not supported/,
    damage: (elf) => elf.setU32(map(elf, "type"), 0xffff_ffff),
  },
  {
    name: "a map without a name",
    refusal: /ENOEXEC: map 0: its name is empty or not terminated/,
    damage: (elf) => elf.setU8(map(elf, "name"), 0),
  },
  {
    name: "a map name that does not end",
    refusal: /ENOEXEC: map 0: its name is empty or not terminated/,
    damage: (elf) => {
      elf.bytes.fill(0x41, map(elf, "name"), map(elf, "handle"));
      return elf;
    },
  },
  {
    name: "a map whose handle is not aligned",
    refusal: /EPERM: map CALLS: its handle is not aligned in data/,
    damage: (elf) => {
      const handle = elf.relocationOf(elf.section(".rex.maps").address + mapRecord.handle);
      return elf.setU64(handle + relocation.addend, elf.u64(handle + relocation.addend) + 1);
    },
  },
  {
    name: "a map whose handle is in text",
    refusal: /EPERM: map CALLS: its handle is not aligned in data/,
    damage: (elf) => {
      const handle = elf.relocationOf(elf.section(".rex.maps").address + mapRecord.handle);
      const page = Math.ceil(elf.segment(flags.read | flags.execute).address / 8) * 8;
      return elf.setU64(handle + relocation.addend, page);
    },
  },
];

rexTest.each(mapDamages)("$name is refused", async (t, { damage, refusal }) => {
  const { object } = await t.compile("hello");
  const hostile = damage(new ElfEditor(object)).bytes;
  const report = await tryLoading(t, hostile, { maps: [{ name: "CALLS", noMap: true }] });
  t.expect(report).toMatchObject({ loaded: 0, silent: 0 });
  t.expect(report.sentences).toEqual([t.expect.stringMatching(refusal)]);
});

interface Twins {
  readonly name: string;
  readonly refusal: RegExp;
  readonly damage: (elf: ElfEditor) => void;
}

// Of two records in each section the second becomes like the first.
const twins: readonly Twins[] = [
  {
    name: "two programs of one name",
    refusal: /EEXIST: program \w+: declared twice/,
    damage: (elf) => {
      const first = program(elf, "name");
      elf.bytes.copyWithin(first + progRecord.bytes, first, program(elf, "attach"));
    },
  },
  {
    name: "two maps of one name",
    refusal: /EEXIST: map \w+: declared twice/,
    damage: (elf) => {
      const first = map(elf, "name");
      elf.bytes.copyWithin(first + mapRecord.bytes, first, map(elf, "handle"));
    },
  },
  {
    name: "two maps that would be put into one place",
    refusal: /EEXIST: map \w+: declared twice/,
    damage: (elf) => {
      const handle = elf.section(".rex.maps").address + mapRecord.handle;
      const place = elf.u64(elf.relocationOf(handle) + relocation.addend);
      elf.setU64(elf.relocationOf(handle + mapRecord.bytes) + relocation.addend, place);
    },
  },
];

rexTest.each(twins)("$name are refused", async (t, { damage, refusal }) => {
  const { object } = await t.compile(rex.kprobe({ function: "__x64_sys_dup", name: "twins" })`
    #[rex_map]
    static LEFT: RexHashMap<u32, u64> = RexHashMap::new(4, 0);
    #[rex_map]
    static WEST: RexHashMap<u32, u64> = RexHashMap::new(4, 0);

    fn castor(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      LEFT.insert(&1, &1)
    }

    fn pollux(_: &kprobe, _ctx: &mut PtRegs) -> Result {
      WEST.insert(&1, &1)
    }
  `);
  t.expect(await tryLoading(t, object)).toMatchObject({ loaded: 1 });
  const elf = new ElfEditor(object);
  damage(elf);
  const report = await tryLoading(t, elf.bytes);
  t.expect(report).toMatchObject({ loaded: 0, silent: 0 });
  t.expect(report.sentences).toEqual([t.expect.stringMatching(refusal)]);
});
