/** What columns and members are called in the world, and what they are here. */
import type { RawMachine } from '../machine.ts';

export type Field =
  | 'key'
  | 'name'
  | 'nodeId'
  | 'uuid'
  | 'macs'
  | 'addresses'
  | 'expected'
  | 'power'
  | 'maintenanceUntil';

const called: Readonly<Record<Field, readonly string[]>> = {
  key: ['key', 'id', 'asset', 'assettag', 'vmid', 'inventoryid'],
  name: [
    'name',
    'names',
    'hostname',
    'host',
    'fqdn',
    'computername',
    'alias',
    'aliases',
    'dnsname',
    'inventoryhostname',
  ],
  nodeId: ['nodeid', 'instanceid', 'managedinstanceid'],
  uuid: ['uuid', 'systemuuid', 'smbiosuuid', 'biosuuid', 'productuuid'],
  macs: ['mac', 'macs', 'macaddress', 'macaddresses', 'hwaddr'],
  addresses: [
    'address',
    'addresses',
    'ip',
    'ips',
    'ipaddress',
    'ipaddresses',
    'ipv4',
    'ipv6',
    'privateip',
    'ansiblehost',
  ],
  expected: ['expected', 'expectation'],
  power: ['power', 'powerstate', 'state', 'status'],
  maintenanceUntil: ['maintenanceuntil', 'inmaintenanceuntil'],
};

const byName = new Map(
  Object.entries(called).flatMap(([field, names]) => names.map((name) => [name, field as Field] as const)),
);

/** The field that a column or a member is, whatever its case and its separators. */
export function fieldOf(name: string): Field | undefined {
  return byName.get(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
}

/** Puts a machine together from its fields. Lists are separated by spaces, commas, semicolons or bars. */
export function rawFrom(line: number, fields: readonly (readonly [Field | undefined, string])[]): RawMachine {
  const all = (field: Field) => fields.flatMap(([one, value]) => (one === field ? [value] : []));
  const one = (field: Field) => all(field).find((value) => value.trim() !== '');
  const many = (field: Field) => all(field).flatMap((value) => value.split(/[\s,;|]+/));
  return {
    line,
    key: one('key'),
    // A name may have spaces in it; a list of names has one of the other separators.
    names: all('name').flatMap((value) => value.split(/[,;|]+/)),
    nodeId: one('nodeId'),
    uuid: one('uuid'),
    macs: many('macs'),
    addresses: many('addresses'),
    expected: one('expected'),
    power: one('power'),
    maintenanceUntil: one('maintenanceUntil'),
  };
}
