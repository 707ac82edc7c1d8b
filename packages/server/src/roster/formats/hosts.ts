/** The form of `/etc/hosts`: an address, and the names that stand for it. */
import { printable, type RosterRead, RosterReader, readAddress } from '../machine.ts';

/** Names that every machine has for itself and for groups. */
const everybodys =
  /^(localhost|localhost[46]?\..*|ip6-.*|broadcasthost|.*\.localdomain[46]?|localhost[46])$/i;

/** Reads it. Lines of one name are one machine with several addresses. */
export function readHosts(text: string): RosterRead {
  const reader = new RosterReader();
  const machines = new Map<string, { line: number; names: Set<string>; addresses: Set<string> }>();
  for (const [index, whole] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (reader.full) break;
    const line = whole.split('#')[0]!.trim();
    if (line === '') continue;
    const [first = '', ...names] = line.split(/\s+/);
    const address = readAddress(first);
    if (address === undefined) {
      reader.problem(index + 1, `"${printable(first, 60)}" isn't an IP address.`);
      continue;
    }
    if (isOwn(address)) continue;
    const others = names.filter((name) => !everybodys.test(name));
    const [name] = others;
    if (name === undefined) {
      if (names.length === 0) reader.problem(index + 1, 'No name follows the address.');
      continue;
    }
    const known = machines.get(name.toLowerCase()) ?? {
      line: index + 1,
      names: new Set(),
      addresses: new Set(),
    };
    machines.set(name.toLowerCase(), known);
    for (const other of others) known.names.add(other);
    known.addresses.add(address);
  }
  for (const { line, names, addresses } of machines.values()) {
    reader.add({ line, names: [...names], addresses: [...addresses] });
  }
  return reader.done();
}

/** Loopback, unspecified, multicast: what stands in the file of every machine. */
function isOwn(address: string): boolean {
  return /^(127\.|0\.0\.0\.0$|255\.255\.255\.255$|22[4-9]\.|23\d\.|::1?$|ff)/.test(address);
}
