// SPDX-License-Identifier: MIT
// What a packet costs: the same XDP programs in Rust and in eBPF, run back to back by BPF_PROG_TEST_RUN.
import { RexTestError } from "../../support/errors.ts";
import { rex } from "../../test/programs/templates.ts";
import type { Benchmark } from "../benchmark.ts";
import type { BenchGuest } from "../guest.ts";
import type { Lab } from "../lab.ts";
import type { ResultTable } from "../result.ts";
import { ratio, summarise } from "../statistics.ts";
import { ebpf, StockProgram } from "../stock-ebpf.ts";

const verdicts = { drop: 1, pass: 2 } as const;
const summed = 64;

const programs = [
  {
    what: "returns at once",
    verdict: verdicts.pass,
    rex: rex.xdp({ name: "at_once" })`
      fn at_once(_: &xdp, _ctx: &mut xdp_md) -> Result {
        Ok(XDP_PASS as i32)
      }
    `,
    ebpf: [ebpf.set(0, verdicts.pass), ebpf.exit()],
  },
  {
    what: "drops UDP over IPv4",
    verdict: verdicts.drop,
    rex: rex.xdp({ name: "drop_udp" })`
      fn drop_udp(program: &xdp, ctx: &mut xdp_md) -> Result {
        if ctx.data_slice.len() < 34 || u16::from_be(program.eth_header(ctx).h_proto) != 0x0800 {
          return Ok(XDP_PASS as i32);
        }
        let udp = u32::from(program.ip_header(ctx).protocol) == IPPROTO_UDP;
        Ok(if udp { XDP_DROP } else { XDP_PASS } as i32)
      }
    `,
    ebpf: [
      ebpf.set(0, verdicts.pass),
      ebpf.load32(2, 1, 0), // data
      ebpf.load32(3, 1, 4), // data_end
      ebpf.move(4, 2),
      ebpf.add(4, 34),
      ebpf.skipIfAbove(4, 3, 5),
      ebpf.load16(5, 2, 12),
      ebpf.skipUnless(5, 0x0008, 3), // 0x0800 in network byte order
      ebpf.load8(5, 2, 23),
      ebpf.skipUnless(5, 17, 1),
      ebpf.set(0, verdicts.drop),
      ebpf.exit(),
    ],
  },
  {
    what: `sums ${summed} bytes`,
    verdict: verdicts.drop,
    rex: rex.xdp({ name: "sum" })`
      fn sum(_: &xdp, ctx: &mut xdp_md) -> Result {
        let Some(bytes) = ctx.data_slice.get(..64) else {
          return Ok(XDP_PASS as i32);
        };
        let mut sum = 0;
        for byte in bytes {
          sum += core::hint::black_box(u32::from(*byte));
        }
        Ok(if sum & 1 == 1 { XDP_DROP } else { XDP_PASS } as i32)
      }
    `,
    ebpf: [
      ebpf.set(0, verdicts.pass),
      ebpf.load32(2, 1, 0),
      ebpf.load32(3, 1, 4),
      ebpf.move(4, 2),
      ebpf.add(4, summed),
      ebpf.skipIfAbove(4, 3, 10),
      ebpf.set(5, 0), // the index
      ebpf.set(6, 0), // the sum
      ebpf.move(7, 2),
      ebpf.load8(8, 7, 0),
      ebpf.addRegister(6, 8),
      ebpf.add(7, 1),
      ebpf.add(5, 1),
      ebpf.backIfBelow(5, summed, 4),
      ebpf.and(6, 1),
      ebpf.skipUnless(6, 1, 1),
      ebpf.set(0, verdicts.drop),
      ebpf.exit(),
    ],
  },
] as const;

const clocks = [
  { counted: true, unit: "instructions", repeat: 1_000 },
  { counted: false, unit: "ns", repeat: 5_000 },
] as const;

export const xdp: Benchmark = {
  name: "xdp",
  title: "what does a packet cost in an XDP program?",
  run: async (lab) => {
    const tables: ResultTable[] = [];
    for (const clock of clocks) {
      tables.push(
        await lab.withGuest({ counted: clock.counted, hostTools: true }, (guest) =>
          measure(lab, guest, clock),
        ),
      );
    }
    return tables;
  },
};

async function measure(
  lab: Lab,
  guest: BenchGuest,
  { unit, repeat }: (typeof clocks)[number],
): Promise<ResultTable> {
  const samples = lab.samples(9);
  const rows = [];
  for (const { what, verdict, ...program } of programs) {
    lab.step(`${what}, ${unit}: eBPF`);
    const packet = udpPacket();
    const name = program.rex.name;
    const stock = await StockProgram.load(guest, { name, section: "xdp", instructions: program.ebpf });
    const theirs = await collect(samples, verdict, () => stock.testRun(packet, repeat));
    await stock[Symbol.asyncDispose]();

    lab.step(`${what}, ${unit}: Rex`);
    const own = await guest.load(program.rex);
    const ours = await collect(samples, verdict, () => own.testRun({ data: packet, repeat }));
    await own.unload();

    const peer = summarise(theirs);
    const summary = summarise(ours);
    rows.push(
      { what: `${what}: eBPF`, summary: peer, ratio: ratio(peer, peer) },
      { what: `${what}: Rex`, summary, ratio: ratio(summary, peer) },
    );
  }
  return { title: "one run of BPF_PROG_TEST_RUN", unit, ratioTo: "the eBPF program", rows };
}

async function collect(
  samples: number,
  verdict: number,
  run: () => Promise<{ readonly retval: number; readonly durationNs: number }>,
): Promise<number[]> {
  const durations: number[] = [];
  while (durations.length < samples) {
    const { retval, durationNs } = await run();
    if (retval !== verdict)
      throw new RexTestError(`a program returned ${retval} where ${verdict} is right`, {
        outcome: "failure",
      });
    durations.push(durationNs);
  }
  return durations;
}

/** 64 bytes of UDP over IPv4, of which the sum is odd. */
function udpPacket(): Buffer {
  const packet = Buffer.alloc(summed);
  packet.writeUInt16BE(0x0800, 12);
  packet.writeUInt8(0x45, 14);
  packet.writeUInt16BE(summed - 14, 16);
  packet.writeUInt8(17, 23);
  const sum = packet.reduce((total, byte) => total + byte, 0);
  packet.writeUInt8(sum % 2 === 0 ? 1 : 2, summed - 1);
  return packet;
}
