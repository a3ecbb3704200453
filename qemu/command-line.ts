// SPDX-License-Identifier: MIT
// From a machine to the arguments of QEMU. Pure, so that a test can read what would be run.
import { inheritedFds, type Machine, type Origin } from "./machine.ts";

const ramId = "ram0";
/** Of the device to QEMU's network: every guest is alone there. */
const guestMac = "52:54:00:12:34:56";

export function qemuArguments(machine: Machine, origin: Origin = { kind: "boot" }): string[] {
  return [
    ...machineArguments(machine, origin),
    "-accel",
    acceleratorOption(machine),
    ...clockArguments(machine),
    "-cpu",
    // arat (APIC timer that never stops) is what gives high-resolution timers without a PIT or HPET.
    machine.accelerator === "kvm" ? "host" : "qemu64,+arat",
    "-smp",
    String(machine.cpus),
    "-m",
    `${machine.memoryMiB}M`,
    ...originArguments(machine, origin),
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    ...socket("qmp", inheritedFds.qmp),
    "-mon",
    "chardev=qmp,mode=control",
    ...socket("console", inheritedFds.console),
    "-serial",
    "chardev:console",
    ...agentBackend(machine),
    "-device",
    device(machine, "virtio-serial"),
    "-device",
    `virtserialport,chardev=agent,name=${machine.agentPort}`,
    ...hostShareArguments(machine),
    ...netArguments(machine),
    ...diskArguments(machine),
    ...recordingArguments(machine),
    ...translationArguments(machine),

    ...(machine.gdbSocket === undefined
      ? []
      : ["-gdb", `unix:${escapeComma(machine.gdbSocket)},server=on,wait=off`]),
    "-kernel",
    machine.kernel,
    "-initrd",
    machine.initrd,
    "-append",
    kernelCommandLine(machine),
  ];
}

function clockArguments({ countsInstructions, recording }: Machine): string[] {
  if (recording === undefined) return countsInstructions ? ["-icount", "shift=0"] : [];
  const { mode, file } = recording;
  return [
    "-icount",
    // 8 ns for each instruction, which is about what TCG takes. With one, the kernel waits eight times longer for its timer to be measured.
    `shift=3,rr=${mode},rrfile=${escapeComma(file)}`,
    // The host's clock would be read, and recorded, in each turn of QEMU's main loop.
    "-rtc",
    "base=2026-01-01T00:00:00,clock=vm",
    // Restoring a snapshot resets the machine, and the reset of this has the CPU's thread do something while it may wait for the one that asks.
    "-global",
    "apic-common.vapic=off",
  ];
}

/**
 * What goes through -serial is recorded, and nothing that only -device names. microvm makes a device of the first -serial only, so that
 * a second one does no more than to have the agent's port recorded.
 */
function agentBackend({ recording }: Machine): string[] {
  if (recording === undefined) return socket("agent", inheritedFds.agent);
  // A file is open from the beginning, as the socket was: the guest is told of it.
  const backend =
    recording.mode === "record"
      ? socket("agent", inheritedFds.agent)
      : ["-chardev", "file,id=agent,path=/dev/null"];
  return [...backend, "-serial", "chardev:agent"];
}

function recordingArguments({ recording }: Machine): string[] {
  if (recording === undefined) return [];
  // So that it can be asked how far it has come when the guest has reset it.
  if (recording.mode === "record") return ["-no-shutdown"];
  // Snapshots, by which gdb goes back, are kept in a disk that no device has; with snapshot=on it is a temporary file.
  return ["-S", "-drive", "if=none,id=snapshots,driver=null-co,size=1M,snapshot=on"];
}

function translationArguments({ translations }: Machine): string[] {
  if (translations === undefined) return [];
  const { plugin, from, to } = translations;
  return ["-plugin", `file=${escapeComma(plugin)},fd=${inheritedFds.translations},from=${from},to=${to}`];
}

function acceleratorOption({ accelerator, cpus, countsInstructions, cpusTakeTurns }: Machine): string {
  if (accelerator === "kvm") return "kvm";
  // Instructions can be counted on one thread only, and QEMU refuses to be told otherwise.
  if (cpus === 1 || countsInstructions) return "tcg";
  return `tcg,thread=${cpusTakeTurns ? "single" : "multi"}`;
}

function machineArguments(machine: Machine, origin: Origin): string[] {
  const backend = origin.kind === "boot" ? "" : `,memory-backend=${ramId}`;
  if (machine.type === "q35") return ["-M", `q35,hpet=off${backend}`];
  return [
    "-M",
    `microvm,pit=off,pic=off,rtc=on,isa-serial=on${backend}`,
    "-bios",
    "qboot.rom",
    "-global",
    "virtio-mmio.force-legacy=false",
  ];
}

function originArguments(machine: Machine, origin: Origin): string[] {
  if (origin.kind === "boot") return [];
  const share = origin.kind === "template" ? "on" : "off";
  const file = `id=${ramId},size=${machine.memoryMiB}M,mem-path=${escapeComma(origin.ramFile)},share=${share}`;
  const ram = ["-object", `memory-backend-file,${file}`];
  return origin.kind === "template" ? ram : [...ram, "-incoming", "defer"];
}

function hostShareArguments(machine: Machine): string[] {
  if (machine.hostShare === undefined) return [];
  const { path, tag } = machine.hostShare;
  return [
    "-fsdev",
    `local,id=${tag},path=${escapeComma(path)},security_model=none,readonly=on,multidevs=remap`,
    "-device",
    `${device(machine, "virtio-9p")},fsdev=${tag},mount_tag=${tag}`,
  ];
}

function netArguments(machine: Machine): string[] {
  if (machine.net === undefined) return [];
  const restrict = machine.net === "restricted" ? "on" : "off";
  // A PCI card would want a file with its boot ROM.
  const rom = machine.type === "q35" ? ",romfile=" : "";
  return [
    "-netdev",
    `user,id=net0,ipv6=off,restrict=${restrict}`,
    "-device",
    `${device(machine, "virtio-net")},netdev=net0,mac=${guestMac}${rom}`,
  ];
}

/** The size is said, so that it is a part of what a snapshot is named by. Nothing on the disk is to outlive the machine: it is never flushed. */
function diskArguments(machine: Machine): string[] {
  if (machine.diskMiB === undefined) return [];
  const file = `file.driver=file,file.filename=/proc/self/fd/${inheritedFds.disk},file.locking=off`;
  return [
    "-blockdev",
    `driver=raw,node-name=disk0,size=${machine.diskMiB * 1024 * 1024},cache.no-flush=on,discard=unmap,${file}`,
    "-device",
    `${device(machine, "virtio-blk")},drive=disk0`,
  ];
}

export function kernelCommandLine(machine: Machine): string {
  const words = [
    "console=ttyS0",
    `loglevel=${machine.consoleLogLevel ?? 5}`,
    // A panic resets the machine at once, and with -no-reboot a reset ends QEMU.
    "panic=-1",
    "reboot=t",
    // Detaching a program waits for RCU: 5 to 9 ms instead of 37.
    "rcupdate.rcu_expedited=1",
    // Specs run programs that fail more than once; those on crash-stop ask for it.
    "sysctl.kernel.rex_crash_stop=0",
  ];
  if (machine.tscKhz !== undefined) words.push(`tsc_early_khz=${machine.tscKhz}`, "tsc=reliable");
  return [...words, ...(machine.append ?? [])].join(" ");
}

function socket(id: string, fd: number): string[] {
  return ["-chardev", `socket,id=${id},fd=${fd}`];
}

/** microvm has virtio over MMIO, whose devices end in -device. */
function device(machine: Machine, name: string): string {
  return `${name}-${machine.type === "microvm" ? "device" : "pci"}`;
}

/** QEMU splits option values at commas; a doubled one stands for itself. */
function escapeComma(value: string): string {
  return value.replaceAll(",", ",,");
}

/** The command as one can paste it into a shell. */
export function shellCommand(program: string, args: readonly string[]): string {
  return [program, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}
