/** What is known of a connection before anything was asked on it, and where to look it up later. */
import { BlockList, isIPv6, type Socket } from 'node:net';
import type { ClientFamily } from './families.ts';

/** Who stands at the door. */
export interface Visitor {
  /** The client's address, after a trusted proxy; IPv4-mapped IPv6 is written as IPv4. */
  readonly address: string;
  readonly port: number;
  readonly client: ClientFamily;
  /** The server name (SNI) that it asked for. */
  readonly serverName?: string;
}

/** A connection that ended before a request could be answered, for the book of knocks. */
export interface ListenerKnock extends Visitor {
  /** How far it came: nothing of TLS, or into it. */
  readonly layer: 'tcp' | 'tls';
  readonly reason: ListenerReason;
  /** What helps to tell the cause, e.g. `alert=48`. */
  readonly detail?: string;
}

/** Why it ended. */
export type ListenerReason =
  /** Connected, and said nothing for ten seconds. */
  | 'silent'
  /** Connected, and hung up without a word. */
  | 'closed-before-hello'
  /** Began a hello, and never finished it: what a path with a small MTU does. */
  | 'hello-unfinished'
  | 'plain-http'
  | 'not-tls'
  /** A PROXY header from an address that isn't one of our load balancers. */
  | 'proxy-header-untrusted'
  | 'proxy-header-bad'
  /** The client's own judgement on our certificate, by alert. */
  | 'client-rejected-certificate'
  /** The client hung up on seeing our certificate, without saying why. */
  | 'reset-after-certificate'
  | 'no-shared-version'
  | 'no-shared-cipher'
  | 'no-shared-protocol'
  /** Another alert of the client. */
  | 'client-alert'
  | 'handshake-unfinished'
  | 'handshake-failed'
  /** TLS was completed, then closed without a request: what curl does at a wrong name. */
  | 'handshake-then-nothing';

const visitors = new WeakMap<object, Visitor>();

/** Notes who is at the other end of a socket, TCP or TLS. */
export function introduce(socket: Socket, visitor: Visitor): void {
  visitors.set(socket, visitor);
}

/** Who is at the other end of a socket that the listener handed on. */
export function visitorOf(socket: Socket): Visitor {
  return visitors.get(socket) ?? { ...plainAddress(socket), client: 'unknown' };
}

/** The client's address: the one that a trusted proxy named, or else the socket's own. */
export function addressOf(socket: Socket): string {
  return visitorOf(socket).address;
}

/** The socket's own peer. */
export function plainAddress(socket: Socket): { address: string; port: number } {
  return { address: unmapped(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
}

/** IPv4 in IPv6's clothes, back in its own; no zone. */
export function unmapped(address: string): string {
  const bare = address.split('%')[0]!;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
}

/** Blocks of addresses (CIDR, or single ones) that can be asked whether they hold an address. */
export function addressBlocks(blocks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix] = block.split('/');
    const kind = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, kind);
    else list.addSubnet(address, Number(prefix), kind);
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
