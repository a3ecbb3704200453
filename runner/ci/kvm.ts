// SPDX-License-Identifier: MIT
// Hosted runners have /dev/kvm, but only root may open it. A udev rule opens it to everybody, and stays when the device is made anew.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { findPrivilege } from "../doctor/machine.ts";
import { runProcess, succeeded } from "../support/process.ts";

const rule = 'KERNEL=="kvm", GROUP="kvm", MODE="0666", OPTIONS+="static_node=kvm"\n';
const ruleFile = "/etc/udev/rules.d/99-rex-test-kvm.rules";

export interface KvmHost {
  exists(): Promise<boolean>;
  isUsable(): Promise<boolean>;
  /** Runs a command as root; whether it succeeded. */
  asRoot(argv: readonly string[], input?: string): Promise<boolean>;
}

/** Returns what became of it, in a sentence. Without KVM guests are emulated: no failure. */
export async function openKvm(host: KvmHost): Promise<string> {
  if (!(await host.exists())) return "this machine has no /dev/kvm: guests are emulated";
  if (await host.isUsable()) return "/dev/kvm can be used";
  const ruled =
    (await host.asRoot(["tee", ruleFile], rule)) &&
    (await host.asRoot(["udevadm", "control", "--reload-rules"])) &&
    (await host.asRoot(["udevadm", "trigger", "--name-match=kvm"])) &&
    (await host.asRoot(["udevadm", "settle", "--timeout=10"]));
  if (ruled && (await host.isUsable())) return "/dev/kvm can be used, by a udev rule";
  // A container has no udev.
  if ((await host.asRoot(["chmod", "0666", "/dev/kvm"])) && (await host.isUsable()))
    return "/dev/kvm can be used, by chmod";
  return "/dev/kvm is there, and can't be opened to us: guests are emulated";
}

export async function thisHost(signal: AbortSignal): Promise<KvmHost> {
  const privilege = await findPrivilege(signal);
  const can = (mode: number) =>
    access("/dev/kvm", mode).then(
      () => true,
      () => false,
    );
  return {
    exists: () => can(constants.F_OK),
    isUsable: () => can(constants.R_OK | constants.W_OK),
    asRoot: async (argv, input) => {
      // sudo that asks for a password has nobody to ask.
      if (privilege.kind !== "root" && privilege.kind !== "sudo") return false;
      const [file = "", ...args] = privilege.kind === "root" ? argv : ["sudo", "-n", ...argv];
      return succeeded(await runProcess(file, args, { input, signal, timeoutMs: 30_000 }));
    },
  };
}
