/** By which device the kernel would send to an address, without sending anything. */
import type { EndpointEvidence } from '@rollcall/diagnosis';
import { parseRoute } from '@rollcall/diagnosis/collected';
import type { Sight } from '../machine/sight.ts';

type RouteLayer = NonNullable<EndpointEvidence['route']>;

/** Asks for the route to an address; undefined when that can't be found out here. */
export async function findRoute(sight: Sight, address: string): Promise<RouteLayer | undefined> {
  if (sight.platform !== 'linux') return undefined;
  const ran = await sight.run('ip', ['route', 'get', address.replace(/%.*/, '')], 500);
  if (ran === undefined) return address.includes(':') ? undefined : fromTable(sight, address);
  if (ran.code === 0) return parseRoute(ran.out);
  if (ran.code === -1) return undefined;
  const message = ran.err.trim().split('\n')[0] ?? '';
  const prohibited = /permission denied|administratively|EACCES/i.test(message);
  // An `ip` that doesn't know `get` says something about its own usage instead.
  if (!prohibited && !/unreachable|no route|invalid argument|RTNETLINK/i.test(message)) return undefined;
  return { ok: false, error: prohibited ? 'prohibited' : 'unreachable', detail: message.slice(0, 200) };
}

/** The longest entry of the main table that covers an address: right unless rules choose among tables. */
async function fromTable(sight: Sight, address: string): Promise<RouteLayer | undefined> {
  const text = await sight.text('/proc/net/route', 1_000_000);
  if (text === undefined) return undefined;
  if (address.startsWith('127.')) return { ok: true, device: 'lo' };
  const wanted = toNumber(address);
  let best: { bits: number; metric: number; device: string; gateway: number; flags: number } | undefined;
  for (const line of text.split('\n').slice(1)) {
    const [device, target, gateway, flags, , , metric, mask] = line.trim().split(/\s+/);
    if (device === undefined || mask === undefined) continue;
    const net = swapped(mask);
    if ((wanted & net) >>> 0 !== (swapped(target!) & net) >>> 0) continue;
    const bits = net.toString(2).replaceAll('0', '').length;
    if (best && (best.bits > bits || (best.bits === bits && best.metric <= Number(metric)))) continue;
    best = {
      bits,
      metric: Number(metric),
      device,
      gateway: swapped(gateway!),
      flags: Number.parseInt(flags!, 16),
    };
  }
  if (best === undefined) return { ok: false, error: 'unreachable', detail: 'no route in the main table' };
  if ((best.flags & 0x200) !== 0) return { ok: false, error: 'unreachable', detail: 'the route refuses' };
  return { ok: true, device: best.device, ...(best.gateway === 0 ? {} : { via: toAddress(best.gateway) }) };
}

function swapped(hex: string): number {
  return Number.parseInt((hex.match(/../g) ?? []).reverse().join(''), 16) >>> 0;
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}
