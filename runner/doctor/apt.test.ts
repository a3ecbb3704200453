// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import { derivedSources, describeArchive, parseIndexTargets, parsePolicy, withoutPackages } from "./apt.ts";
import { parseOsRelease } from "./machine.ts";

test("apt's index targets, each suite once", () => {
  const text =
    "http://m/debian/|bookworm|oldstable|Debian\nhttp://m/debian/|bookworm|oldstable|Debian\nhttp://x/node||nodistro|\n";
  expect(parseIndexTargets(text)).toEqual([
    { uri: "http://m/debian/", codename: "bookworm", suite: "oldstable", origin: "Debian" },
  ]);
});

test("suites that apt lacks are looked for on the mirror of those it has", () => {
  const targets = parseIndexTargets("http://m/debian/|bookworm|oldstable|Debian\n");
  expect(derivedSources(targets, "bookworm", "/k.gpg")).toEqual([
    "deb [signed-by=/k.gpg] http://m/debian/ bookworm main",
    "deb [signed-by=/k.gpg] http://m/debian/ bookworm-updates main",
    "deb [signed-by=/k.gpg] http://m/debian-security/ bookworm-security main",
    "deb [signed-by=/k.gpg] http://m/debian/ bookworm-backports main",
  ]);
  const own = parseIndexTargets(
    "http://m/debian/|trixie|stable|Debian\nhttp://s/sec/|trixie-security|stable-security|Debian\n",
  );
  expect(derivedSources(own, "trixie", undefined)[2]).toBe("deb http://s/sec/ trixie-security main");
  expect(derivedSources(targets, "trixie", undefined)).toEqual([]);
});

test("apt-cache policy: candidates only", () => {
  const text =
    "flex:\n  Installed: (none)\n  Candidate: 2.6.4-8.2\n  Version table:\nnone:\n  Installed: (none)\n  Candidate: (none)\n";
  expect([...parsePolicy(text)]).toEqual([["flex", "2.6.4-8.2"]]);
});

test("dpkg's status without the packages that ours conflict with", () => {
  const status =
    "Package: rustc\nStatus: install ok installed\n\nPackage: gcc\nDepends: rustc\n\nPackage: rustc-doc\n";
  expect(withoutPackages(status, ["rustc"])).toBe("Package: gcc\nDepends: rustc\n\nPackage: rustc-doc\n");
});

test("an archive's name gives package and version", () => {
  expect(describeArchive("lld-22_1%3a22.1.8-1~deb12u1_amd64.deb")).toBe("lld-22 1:22.1.8-1~deb12u1\n");
});

test("os-release", () => {
  const text =
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n';
  expect(parseOsRelease(text)).toEqual({
    family: "debian",
    codename: "bookworm",
    version: "12",
    title: "Debian GNU/Linux 12 (bookworm)",
  });
  expect(parseOsRelease('ID=arch\nPRETTY_NAME="Arch Linux"\n')).toEqual({
    family: "other",
    title: "Arch Linux",
  });
});
