/**
 * What the official agent would conclude about the machine's hardware: whether it still is the one that was
 * registered. Rules of amazon-ssm-agent 3.3: the machine id must be the same; then an unchanged first address
 * is enough; else a share of all values must be.
 */
import { createHash } from 'node:crypto';
import type { AgentIdentityEvidence } from '@rollcall/diagnosis';
import { redactText } from '@rollcall/diagnosis/collected';
import type { Sight } from '../machine/sight.ts';

/** The fields whose value is a hash: of the two only whether they differ says something. */
const hashed = /-hash$|^disk-info$/;

/** Compares what is stored with what is. Undefined when nothing is stored, or what is can't be found out. */
export async function compareFingerprint(
  sight: Sight,
  stored: Readonly<Record<string, unknown>>,
): Promise<AgentIdentityEvidence['fingerprint']> {
  const was = stored.hardwareHash;
  if (typeof was !== 'object' || was === null || Array.isArray(was) || Object.keys(was).length === 0)
    return undefined;
  const threshold = typeof stored.similarityThreshold === 'number' ? stored.similarityThreshold : 40;
  const is = await currentHardware(sight);
  const before = was as Readonly<Record<string, unknown>>;
  const changed: { field: string; was: string; is: string }[] = [];
  let same = 0;
  let unknown = 0;
  const all = Object.entries(is);
  for (const [field, value] of all) {
    const old = typeof before[field] === 'string' ? before[field] : '';
    const isSame = value === old && field in before;
    // A listing has dates in it, in the words of whoever lists: that ours differs says nothing of the agent's.
    if (value === undefined || (field === 'disk-info' && !isSame)) unknown += 1;
    else if (isSame) same += 1;
    else
      changed.push({
        field,
        was: hashed.test(field) ? mark(old) : redactText(old.trim(), 100),
        is: hashed.test(field) ? mark(value) : redactText(value.trim(), 100),
      });
  }
  const differs = (field: string) => changed.some((change) => change.field === field);
  let matches: boolean;
  if (threshold === -1) matches = true;
  else if (differs('machine-id')) matches = false;
  else if (!differs('ipaddress-info') && is['ipaddress-info'] !== undefined) matches = true;
  else if ((same / all.length) * 100 >= threshold) matches = true;
  else if (((same + unknown) / all.length) * 100 < threshold) matches = false;
  else {
    sight.unseen('hardware fingerprint', 'some of its values could not be read');
    return undefined;
  }
  return { matches, changed, threshold };
}

function mark(value: string): string {
  return value === '' ? 'nothing' : `${value.slice(0, 6)}…`;
}

/** The values as the agent makes them; undefined where they can't be made here. */
async function currentHardware(sight: Sight): Promise<Record<string, string | undefined>> {
  const table = (type: string) => hashOf(sight, 'dmidecode', ['-t', type], '/usr/sbin/dmidecode');
  const [machineId, processor, memory, bios, system, name, disks] = await Promise.all([
    firstText(sight, ['/etc/machine-id', '/var/lib/dbus/machine-id']),
    table('processor'),
    table('memory'),
    table('bios'),
    table('system'),
    sight.text('/proc/sys/kernel/hostname', 300),
    hashOf(sight, 'ls', ['-l', '/dev/disk/by-uuid']),
  ]);
  let address = '';
  let mac = '';
  const byIndex = await interfacesInOrder(sight);
  for (const name of byIndex) {
    const entries = sight.interfaces()[name] ?? [];
    address ||= entries.find((entry) => !entry.internal && entry.family === 'IPv4')?.address ?? '';
    const own = (await sight.text(`/sys/class/net/${name}/address`, 100))?.trim() ?? '';
    // Loopback has none in Go's eyes, where the kernel has zeros.
    if (!/^(00:)*00$/.test(own)) mac ||= own;
  }
  return {
    'machine-id': machineId,
    'processor-hash': processor,
    'memory-hash': memory,
    'bios-hash': bios,
    'system-hash': system,
    'hostname-info': name?.trim(),
    'ipaddress-info': byIndex.length === 0 ? undefined : address,
    'macaddr-info': byIndex.length === 0 ? undefined : mac,
    'disk-info': disks,
  };
}

async function firstText(sight: Sight, paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const text = await sight.text(path, 1000);
    if (text !== undefined) return text;
  }
  return '';
}

/** The agent takes the first that fits, in the kernel's own order. */
async function interfacesInOrder(sight: Sight): Promise<string[]> {
  const names = (await sight.list('/sys/class/net', 2000)) ?? [];
  const numbered = await Promise.all(
    names.map(async (name) => ({
      name,
      index: Number.parseInt((await sight.text(`/sys/class/net/${name}/ifindex`, 20)) ?? '', 10) || 1e9,
    })),
  );
  return numbered.sort((one, other) => one.index - other.index).map(({ name }) => name);
}

/** Base64 of the MD5 of what a program prints; the agent has an empty text when it fails. */
async function hashOf(
  sight: Sight,
  command: string,
  args: readonly string[],
  where?: string,
): Promise<string | undefined> {
  // The agent looks in one place only.
  if (where !== undefined && (await sight.facts(where)) === undefined) return '';
  const ran = await sight.run(command, args, 900);
  if (ran === undefined || ran.code === -1) return undefined;
  if (ran.code !== 0) return '';
  return createHash('md5').update(ran.out).digest('base64');
}
