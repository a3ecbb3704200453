// SPDX-License-Identifier: MIT
// What a virtual machine is made of, and the two profiles that we boot: microvm (no PCI, half the boot time) and
// q35 (a PC with a PIT and PCI, where microvm does not work or its clock can't be known in advance).

export type Accelerator = "kvm" | "tcg";
export type MachineType = "microvm" | "q35";

export interface Machine {
  readonly type: MachineType;
  readonly accelerator: Accelerator;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Uncompressed ELF kernel with a PVH note, or a bzImage. */
  readonly kernel: string;
  readonly initrd: string;
  /**
   * The guest's clocks count its instructions, a nanosecond for each, however fast or busy the host is: what is timed there comes out the
   * same every time. TCG only; several CPUs take turns on one thread of the host, of up to 100 ms.
   */
  readonly countsInstructions?: boolean | undefined;
  /**
   * Several CPUs take turns on one thread of the host, so that code may be patched while another CPU runs it: in parallel QEMU goes on with
   * what the code was before (docs/decisions/qemu-storms-on-tcg.md). TCG only; KVM knows no such trouble and takes no notice.
   */
  readonly cpusTakeTurns?: boolean | undefined;
  /** The host's TSC frequency. Needed by microvm, which has no PIT to calibrate against: without it about one boot in six hangs. */
  readonly tscKhz?: number | undefined;
  /** Name of the virtio-serial port that the guest's agent looks for. */
  readonly agentPort: string;
  /** Socket that QEMU listens on for gdb. The machine then stands apart from the terminal: Ctrl-C there is gdb's. */
  readonly gdbSocket?: string | undefined;
  /** What comes to the guest from outside is recorded, or comes out of a recording; its clock counts its instructions. microvm under TCG only. */
  readonly recording?: Recording | undefined;
  /** Folder of the host that the guest may mount read-only through 9p, under this tag. */
  readonly hostShare?: { readonly path: string; readonly tag: string } | undefined;
  /**
   * A network device to a network of QEMU's own. "restricted": nobody is there but QEMU, which answers ARP, DHCP and pings of itself. "open": it
   * forwards connections to the host and to wherever the host gets.
   */
  readonly net?: "restricted" | "open" | undefined;
  /** MiB of a second disk, full of zeroes, that ends with the machine. */
  readonly diskMiB?: number | undefined;
  /** Which code the guest is about to run for the first time is noted (translations/). TCG only. Such a machine can't be forked. */
  readonly translations?: Translations | undefined;
  /** Added to the kernel command line, after ours. */
  readonly append?: readonly string[] | undefined;
  /** Highest kernel log level that reaches the console, exclusive: 5 shows warnings and worse. */
  readonly consoleLogLevel?: number | undefined;
}

export interface Translations {
  /** Path of what notes it. */
  readonly plugin: string;
  /** Addresses of the guest, as "0x…": from the first up to the second, which is not part of it. */
  readonly from: string;
  readonly to: string;
}

export interface Recording {
  /** In a replay the machine stands still at first, nobody is at the agent's port, and what is restored is kept in the folder for temporary files. */
  readonly mode: "record" | "replay";
  readonly file: string;
}

/** How a machine comes to life. */
export type Origin =
  | { readonly kind: "boot" }
  /** It boots with its RAM in this file, for others to be cloned from. */
  | { readonly kind: "template"; readonly ramFile: string }
  /** It waits for a template's state. Its RAM is this file copied on write, so that clones share what they do not change. */
  | { readonly kind: "clone"; readonly ramFile: string };

/**
 * File descriptors that QEMU inherits: each is one end of a socket pair, or a file: two of a clone, the disk of whoever has one. One that can be
 * forked has the socket that it is told so by, and the library that makes it forkable; fork/fork.h has these numbers too. One that replays has a library, too.
 * Where translations are noted there is a file for them.
 */
export const inheritedFds = {
  qmp: 3,
  agent: 4,
  console: 5,
  ram: 6,
  state: 7,
  disk: 8,
  fork: 9,
  library: 10,
  translations: 11,
} as const;

/** The TSC of a machine that counts instructions: one a nanosecond. */
export const countedTscKhz = 1_000_000;
