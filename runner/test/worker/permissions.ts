// SPDX-License-Identifier: MIT
// What a guest has and may do only when its test asks for it.
import type { User } from "../../protocol/generated.ts";
import { RexTestError } from "../../support/errors.ts";

export interface Permissions {
  /** Run the host's tools in the guest (`t.guest.exec`): a read-only view of the host's file system through 9p. */
  readonly hostTools?: boolean;
  /**
   * A virtio network device (`t.guest.net.uplink`). `true`: to a network of its own with nobody but QEMU in it, which answers ARP, DHCP and
   * pings of itself at 10.0.2.2. `"open"`: QEMU also forwards connections to the host and to wherever the host gets.
   */
  readonly net?: boolean | "open";
  /** MiB of a virtio disk full of zeroes (`t.guest.disk`), 1 to 65536, which ends with the guest. Needs a kernel with VIRTIO_BLK: the config disk. */
  readonly disk?: number;
  /** System calls, tools and loads of another user than root: the option `user` of `t.guest.syscall`, `trigger`, `storm`, `exec` and `t.load`. */
  readonly user?: boolean;
}

export interface CheckedPermissions {
  readonly hostTools: boolean;
  readonly net: "restricted" | "open" | undefined;
  readonly diskMiB: number | undefined;
  readonly user: boolean;
}

/** A user's number, or more about it. */
export type GuestUser =
  | number
  | {
      readonly uid: number;
      /** Its only group; the same number if not given. */
      readonly gid?: number;
      /** Capabilities that it has all the same: `["CAP_BPF"]`. None if not given. */
      readonly capabilities?: readonly string[];
    };

const known: ReadonlySet<string> = new Set<keyof Permissions>(["hostTools", "net", "disk", "user"]);
const largestDiskMiB = 65_536;
const highestId = 2 ** 32 - 2;

/** `wrong` makes the error out of what is wrong. */
export function checkPermissions(
  permissions: Permissions,
  wrong: (what: string) => RexTestError,
): CheckedPermissions {
  const { hostTools = false, net = false, disk, user = false } = permissions;
  const unknown = Object.keys(permissions).find((key) => !known.has(key));
  if (unknown !== undefined)
    throw wrong(
      `there is no permission "${unknown}"; there are ${[...known].join(", ")}. CPUs and RAM are the options cpus and memory.`,
    );
  if (net !== "open" && typeof net !== "boolean")
    throw wrong(`permissions.net is ${JSON.stringify(net)}, and has to be true, false or "open"`);
  if (disk !== undefined && !(Number.isInteger(disk) && disk >= 1 && disk <= largestDiskMiB))
    throw wrong(
      `permissions.disk is ${String(disk)}, and has to be a whole number of MiB from 1 to ${largestDiskMiB}`,
    );
  return { hostTools, net: net === true ? "restricted" : net || undefined, diskMiB: disk, user };
}

/** Kernel options that the devices take. */
export function driversOf({ net, diskMiB }: CheckedPermissions): readonly string[] {
  return [...(net === undefined ? [] : ["VIRTIO_NET"]), ...(diskMiB === undefined ? [] : ["VIRTIO_BLK"])];
}

/** For a test that does something without having asked for it. */
export function lacking(what: string, permission: string, otherwise = ""): RexTestError {
  const [name] = permission.split(":");
  return new RexTestError(`this test ${what}: it has not asked for the permission ${name}`, {
    outcome: "failure",
    hint: `add { permissions: { ${permission} } } to the options of rexTest${otherwise}`,
  });
}

/** As the agent has it. */
export function userOnWire(user: GuestUser): User {
  const { uid, gid, capabilities } = typeof user === "number" ? { uid: user } : user;
  for (const id of [uid, gid ?? uid]) {
    if (!Number.isInteger(id) || id < 0 || id > highestId)
      throw new RexTestError(`user: ${String(id)} is not the number of a user or group`, {
        outcome: "failure",
      });
  }
  return {
    uid,
    ...(gid === undefined ? {} : { gid }),
    ...(capabilities === undefined ? {} : { capabilities: [...capabilities] }),
  };
}
