// SPDX-License-Identifier: MIT
// Addresses, neighbours, routes and sockets of a guest, by the host's ip(8) and perl(1).
import type { TestContext } from "rex-test";

/** What a test needs that uses these. */
export const withHostTools = { permissions: { hostTools: true }, memoryMiB: 192 } as const;

async function succeeding(t: TestContext, argv: readonly string[], stdin = ""): Promise<string> {
  const { status, stdout, stderr } = await t.guest.exec(argv, { stdin });
  if (status !== 0) throw new Error(`${argv[0]}: ${stderr}`);
  return stdout;
}

/** Commands of ip(8), all at once. */
export async function configure(t: TestContext, ...commands: readonly string[]): Promise<void> {
  await succeeding(t, ["ip", "-batch", "-"], `${commands.join("\n")}\n`);
}

/** Has the guest forward packets, or not. */
export async function forward(t: TestContext, on: boolean): Promise<void> {
  await t.guest.writeFile("/proc/sys/net/ipv4/ip_forward", on ? "1" : "0");
}

/** Where {@link openSockets} has its sockets: the listener, the client of the connection, and the UDP socket. */
export const ports = { listener: 4000, client: 4001, udp: 4002 } as const;

// Closes the connection, the client's end first, when it gets a SIGUSR1; all of it ends with the process. Without modules: to load them
// takes a guest longer than all the rest.
const holder = `
  my ($AF_INET, $SOCK_STREAM, $SOCK_DGRAM, $SYS_setsid) = (2, 1, 2, 112);
  sub loopback { pack "S n C4 x8", $AF_INET, shift, 127, 0, 0, 1 }
  sub inet { my ($type, $port) = @_;
    socket(my $socket, $AF_INET, $type, 0) or die "socket: $!";
    bind($socket, loopback($port)) or die "bind: $!";
    return $socket;
  }
  my $listener = inet($SOCK_STREAM, ${ports.listener});
  listen($listener, 8) or die "listen: $!";
  my $client = inet($SOCK_STREAM, ${ports.client});
  connect($client, loopback(${ports.listener})) or die "connect: $!";
  accept(my $server, $listener) or die "accept: $!";
  my $udp = inet($SOCK_DGRAM, ${ports.udp});
  my $ended = 0;
  $SIG{USR1} = sub { $ended = 1 };
  defined(my $pid = fork) or die "fork: $!";
  if ($pid) { print $pid; exit 0 }
  syscall($SYS_setsid);
  close $_ for STDIN, STDOUT, STDERR;
  while (1) {
    sleep 1000;
    if ($ended) { close $client; close $server; $ended = 0 }
  }
`;

export interface Sockets {
  /** Closes both ends of the connection. */
  disconnect(): Promise<void>;
}

/** A listener, a connection to it and a UDP socket on a loopback device, until the guest ends. */
export async function openSockets(t: TestContext, where?: Namespace): Promise<Sockets> {
  const pid = Number(await succeeding(t, [...(where?.within ?? []), "perl", "-e", holder]));
  const sigusr1 = 10;
  return {
    disconnect: async () => {
      const { errnoName } = await t.guest.syscall("kill", pid, sigusr1);
      if (errnoName !== undefined) throw new Error(`no process ${pid}: ${errnoName}`);
    },
  };
}

/** The sockets that the guest's kernel has not freed. */
export async function socketsInUse(t: TestContext): Promise<number> {
  const books = await t.guest.readFile("/proc/net/sockstat");
  const used = /^sockets: used (\d+)$/m.exec(books)?.[1];
  if (used === undefined) throw new Error(`no count of sockets in ${books}`);
  return Number(used);
}

/** A network namespace, with the devices that are moved there. */
export interface Namespace {
  /** What to write in front of a command that is to run there. */
  readonly within: readonly string[];
  /** Moves a device there and brings it up. */
  take(device: string): Promise<void>;
  /** What a device there has received so far. */
  received(device: string): Promise<{ readonly packets: number; readonly bytes: number }>;
}

// Prints the number of a process in a namespace of its own, where the loopback device is up.
const unshared = `
  pid=$(unshare --net sh -c 'ip link set lo up && echo $$ && exec sleep 10000 </dev/null >/dev/null 2>&1' &)
  [ "$pid" ] && echo "$pid"
`;

/** A network namespace besides the guest's own, until the guest ends. */
export async function addNamespace(t: TestContext): Promise<Namespace> {
  const pid = Number(await succeeding(t, ["sh", "-c", unshared]));
  const within = ["nsenter", "--target", `${pid}`, "--net"];
  return {
    within,
    take: async (device) => {
      await configure(t, `link set ${device} netns ${pid}`);
      await succeeding(t, [...within, "ip", "link", "set", device, "up"]);
    },
    received: async (device) => {
      const books = await t.guest.readFile(`/proc/${pid}/net/dev`);
      const [, bytes, packets] = new RegExp(`^ *${device}: *(\\d+) +(\\d+)`, "m").exec(books) ?? [];
      if (packets === undefined) throw new Error(`no device ${device} in ${books}`);
      return { packets: Number(packets), bytes: Number(bytes) };
    },
  };
}

/** The number by which the namespace is known here that the other end of a device is in. */
export async function namespaceBehind(t: TestContext, device: string): Promise<number> {
  const shown = await succeeding(t, ["ip", "-json", "link", "show", "dev", device]);
  const [link] = JSON.parse(shown) as readonly { readonly link_netnsid?: number }[];
  if (link?.link_netnsid === undefined) throw new Error(`no namespace behind ${device}: ${shown}`);
  return link.link_netnsid;
}
