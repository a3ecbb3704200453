// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import { kernelCommandLine, qemuArguments, shellCommand } from "./command-line.ts";
import type { Machine } from "./machine.ts";

const microvm: Machine = {
  type: "microvm",
  accelerator: "tcg",
  cpus: 1,
  memoryMiB: 128,
  kernel: "/k/vmlinux",
  initrd: "/k/initrd",
  tscKhz: 2_596_146,
  agentPort: "org.rex-test.agent",
};

function optionValue(args: readonly string[], option: string): string | undefined {
  return args[args.indexOf(option) + 1];
}

describe("qemuArguments", () => {
  it("gives microvm its MMIO devices and its firmware", () => {
    const args = qemuArguments(microvm);
    expect(optionValue(args, "-M")).toMatch(/^microvm,pit=off/);
    expect(optionValue(args, "-bios")).toBe("qboot.rom");
    expect(args).toContain("virtio-serial-device");
    expect(args).toContain("virtserialport,chardev=agent,name=org.rex-test.agent");
  });

  it("records the agent's port by a second -serial, in a machine that differs from its replay in backends only", () => {
    const options = (mode: "record" | "replay") =>
      qemuArguments({ ...microvm, recording: { mode, file: "/r,1" } });
    const [record, replay] = [options("record"), options("replay")];
    expect(optionValue(record, "-icount")).toBe("shift=3,rr=record,rrfile=/r,,1");
    for (const args of [record, replay])
      expect(args.flatMap((arg, at) => (arg === "-serial" ? [args[at + 1]] : []))).toEqual([
        "chardev:console",
        "chardev:agent",
      ]);
    expect(replay.filter((arg) => !record.includes(arg))).toEqual([
      "shift=3,rr=replay,rrfile=/r,,1",
      "file,id=agent,path=/dev/null",
      "-S",
      "-drive",
      "if=none,id=snapshots,driver=null-co,size=1M,snapshot=on",
    ]);
  });

  it("gives a PC its PCI devices", () => {
    const args = qemuArguments({ ...microvm, type: "q35" });
    expect(args).toContain("virtio-serial-pci");
    expect(args.join(" ")).not.toContain("-device virtio-serial-device");
  });

  it("offers the host's files only when asked, read-only, with commas escaped", () => {
    expect(qemuArguments(microvm).join(" ")).not.toContain("9p");
    const args = qemuArguments({ ...microvm, hostShare: { path: "/a,b", tag: "hostroot" } });
    expect(optionValue(args, "-fsdev")).toMatch(/path=\/a,,b,.*readonly=on/);
    expect(args).toContain("virtio-9p-device,fsdev=hostroot,mount_tag=hostroot");
  });

  it("gives a network device only when asked, restricted unless it is to be open", () => {
    expect(qemuArguments(microvm).join(" ")).not.toContain("net");
    const restricted = qemuArguments({ ...microvm, net: "restricted" });
    expect(optionValue(restricted, "-netdev")).toBe("user,id=net0,ipv6=off,restrict=on");
    expect(restricted).toContain("virtio-net-device,netdev=net0,mac=52:54:00:12:34:56");
    const open = qemuArguments({ ...microvm, type: "q35", net: "open" });
    expect(optionValue(open, "-netdev")).toMatch(/,restrict=off$/);
    expect(open).toContain("virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56,romfile=");
  });

  it("gives a disk only when asked, and says its size, by which snapshots are told apart", () => {
    expect(qemuArguments(microvm).join(" ")).not.toContain("blk");
    const args = qemuArguments({ ...microvm, diskMiB: 16 });
    expect(optionValue(args, "-blockdev")).toMatch(/size=16777216,.*file\.filename=\/proc\/self\/fd\/8,/);
    expect(args).toContain("virtio-blk-device,drive=disk0");
  });

  it("runs the CPUs of a TCG guest in parallel", () => {
    expect(optionValue(qemuArguments({ ...microvm, cpus: 2 }), "-accel")).toBe("tcg,thread=multi");
    expect(optionValue(qemuArguments({ ...microvm, accelerator: "kvm" }), "-accel")).toBe("kvm");
  });

  it("lets the CPUs of a TCG guest take turns when asked", () => {
    const accelerator = (machine: Partial<Machine>) =>
      optionValue(qemuArguments({ ...microvm, cpusTakeTurns: true, ...machine }), "-accel");
    expect(accelerator({ cpus: 2 })).toBe("tcg,thread=single");
    expect(accelerator({ cpus: 1 })).toBe("tcg");
    expect(accelerator({ cpus: 2, accelerator: "kvm" })).toBe("kvm");
    expect(accelerator({ cpus: 2, countsInstructions: true })).toBe("tcg");
  });

  it("counts instructions on one thread of the host", () => {
    const args = qemuArguments({ ...microvm, cpus: 2, countsInstructions: true });
    expect(optionValue(args, "-icount")).toBe("shift=0");
    expect(optionValue(args, "-accel")).toBe("tcg");
    expect(qemuArguments(microvm)).not.toContain("-icount");
  });
});

it("has a plugin note translations where they are wanted", () => {
  const translations = { plugin: "/p,1.so", from: "0xffffffffa0000000", to: "0xffffffffff000000" };
  expect(optionValue(qemuArguments({ ...microvm, translations }), "-plugin")).toBe(
    "file=/p,,1.so,fd=11,from=0xffffffffa0000000,to=0xffffffffff000000",
  );
  expect(qemuArguments(microvm)).not.toContain("-plugin");
});

describe("qemuArguments of templates and clones", () => {
  const template = qemuArguments(microvm, { kind: "template", ramFile: "/s/a,b" });
  const clone = qemuArguments(microvm, { kind: "clone", ramFile: "/proc/self/fd/6" });

  it("keeps a template's RAM in the file and gives clones copies of it", () => {
    expect(optionValue(template, "-object")).toBe(
      "memory-backend-file,id=ram0,size=128M,mem-path=/s/a,,b,share=on",
    );
    expect(optionValue(clone, "-object")).toMatch(/mem-path=\/proc\/self\/fd\/6,share=off$/);
    for (const args of [template, clone]) expect(optionValue(args, "-M")).toMatch(/,memory-backend=ram0$/);
  });

  it("has clones wait for a state, and differ in nothing else that a guest could see", () => {
    expect(optionValue(clone, "-incoming")).toBe("defer");
    const guestSees = (args: readonly string[]) =>
      args.filter((arg) => !arg.startsWith("memory-backend-file") && arg !== "-incoming" && arg !== "defer");
    expect(guestSees(clone)).toEqual(guestSees(template));
  });

  it("boots with RAM of its own otherwise", () => {
    expect(qemuArguments(microvm).join(" ")).not.toContain("memory-backend");
  });
});

describe("kernelCommandLine", () => {
  it("makes a panic end the machine and tells the TSC frequency", () => {
    expect(kernelCommandLine(microvm)).toMatch(/\bpanic=-1\b.*\btsc_early_khz=2596146 tsc=reliable/);
  });

  it("has failing programs run again, which specs need", () => {
    expect(kernelCommandLine(microvm)).toContain("sysctl.kernel.rex_crash_stop=0");
  });

  it("says nothing of a TSC that it does not know", () => {
    expect(kernelCommandLine({ ...microvm, tscKhz: undefined })).not.toContain("tsc");
  });
});

it("shellCommand quotes what a shell would take apart", () => {
  expect(shellCommand("qemu", ["-append", "a b", "it's"])).toBe(String.raw`qemu -append 'a b' 'it'\''s'`);
});
