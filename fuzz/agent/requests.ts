// SPDX-License-Identifier: MIT
// Requests that the agent understands and that leave nothing behind: they are about handles, devices and files that are not there, or only
// look. What ends a guest by design (poweroff, sysrq, renew) is not among them.
import type { MethodName } from "../../runner/protocol/generated.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Request {
  readonly method: MethodName;
  readonly params: { readonly [key: string]: Json };
}

/** No digits of it are a handle that somebody has. */
const nobody = 7_777_777;
const bytes = (text: string): string => Buffer.from(text).toString("base64");

/** Files that have no end, that wait, or that are none. */
const oddFiles = [
  "/dev/zero",
  "/dev/urandom",
  "/dev/null",
  "/dev/full",
  "/dev/kmsg",
  "/proc/kmsg",
  "/proc/self/mem",
  "/proc/self/status",
  "/sys/kernel/tracing/trace_pipe",
  "/proc",
  "/",
  "/nonexistent",
  "",
] as const;

const files: readonly Request[] = oddFiles.flatMap((path): Request[] => [
  { method: "readFile", params: { path, maxBytes: 65_536 } },
  { method: "readFolder", params: { path } },
]);

export const requests: readonly Request[] = [
  { method: "hello", params: {} },
  { method: "ping", params: {} },
  { method: "programs", params: {} },
  { method: "cpus", params: {} },
  { method: "logSync", params: {} },
  { method: "traceRead", params: {} },
  { method: "load", params: { object: bytes("\x7fELF\x02\x01\x01"), name: "x" } },
  { method: "load", params: { object: bytes("\x7fELF".padEnd(4_096, "\0")), maps: {} } },
  { method: "unload", params: { object: nobody } },
  { method: "attach", params: { program: nobody, target: { kind: "kprobe", symbol: "x", offset: "0x10" } } },
  { method: "attach", params: { program: nobody, target: { kind: "xdp", device: "x" }, cookie: "7" } },
  {
    method: "attach",
    params: { program: nobody, target: { kind: "perfEvent", event: "cpu-clock", samplePeriod: "1" } },
  },
  { method: "detach", params: { link: nobody } },
  { method: "linkUpdate", params: { link: nobody, program: nobody } },
  { method: "linkDetach", params: { link: nobody } },
  { method: "pin", params: { kind: "map", handle: nobody, path: "/nonexistent/x" } },
  { method: "unpin", params: { path: "/nonexistent/x" } },
  { method: "pinnedProgram", params: { path: "/nonexistent/x" } },
  { method: "pinnedMap", params: { path: "/dev/null" } },
  { method: "pinnedLink", params: { path: "/nonexistent/x" } },
  { method: "ebpfLoad", params: { type: "xdp", code: bytes("\x95\0\0\0\0\0\0") } },
  { method: "mapGet", params: { map: nobody, key: bytes("key") } },
  { method: "mapSet", params: { map: nobody, key: bytes("key"), value: bytes("value") } },
  { method: "mapDelete", params: { map: nobody, key: "" } },
  { method: "mapTake", params: { map: nobody, key: "AA==" } },
  { method: "mapEntries", params: { map: nobody, limit: 10 } },
  { method: "ringbufRead", params: { map: nobody } },
  { method: "perfOpen", params: { map: nobody } },
  { method: "perfRead", params: { map: nobody } },
  { method: "trigger", params: { calls: [{ syscall: "getpid", args: [] }] } },
  {
    method: "trigger",
    params: { calls: [{ syscall: "getpid", args: ["1", "-1", "0xffff"], cpu: 0 }], barrier: true },
  },
  { method: "trigger", params: { calls: [], timeoutMs: 10 } },
  { method: "vethAdd", params: { name: "a/b", peer: "a/c" } },
  { method: "netRemove", params: { name: "nonexistent" } },
  { method: "netUp", params: { name: "nonexistent", address: "10.0.2.15/24", gateway: "10.0.2.2" } },
  { method: "filterAdd", params: { program: nobody, device: "x", direction: "ingress" } },
  { method: "filterRemove", params: { device: "x", direction: "egress" } },
  { method: "packets", params: { receive: [], timeoutMs: 10 } },
  {
    method: "packets",
    params: {
      receive: [{ device: "x", ethertype: 2_048 }],
      send: { device: "x", frames: [bytes("frame")] },
      timeoutMs: 10,
    },
  },
  { method: "testRun", params: { program: nobody, packet: bytes("packet"), repeat: 3 } },
  { method: "exits", params: { sinceSeq: 0 } },
  { method: "inventory", params: { slabs: ["kmalloc-64", "x"] } },
  { method: "holdings", params: { texts: ["/proc/modules", "/nonexistent"] } },
  { method: "exec", params: { argv: ["/nonexistent"], root: "guest", timeoutMs: 100 } },
  { method: "exec", params: { argv: [], root: "guest" } },
  { method: "writeFile", params: { path: "/nonexistent/x", data: bytes("text") } },
  { method: "sysrq", params: { key: "no" } },
  { method: "kallsyms", params: { symbols: ["schedule"], containing: "rex_enter" } },
  ...files,
];
