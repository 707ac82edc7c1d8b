/** By what machines and nodes are found for one another, as short texts that both sides keep. */
import { isIP } from 'node:net';
import type { MachinesRow } from '../store/index.ts';

/** A name as it is compared: whole and up to the first dot. An address is compared whole only. */
export function comparedNames(name: string): readonly string[] {
  const whole = name.toLowerCase();
  if (isIP(whole) !== 0) return [whole];
  const short = whole.split('.')[0]!;
  return short === whole || short === '' ? [whole] : [whole, short];
}

/** All marks of a machine. */
export function marksOfRow(
  row: Pick<MachinesRow, 'machine_key' | 'names' | 'macs' | 'node_id' | 'system_uuid'>,
): readonly string[] {
  const names: readonly string[] = [row.machine_key, ...JSON.parse(row.names)];
  const macs: readonly string[] = JSON.parse(row.macs);
  const marks = [
    ...names.flatMap(comparedNames).map(nameMark),
    ...macs.map(macMark),
    ...(row.system_uuid === null ? [] : [uuidMark(row.system_uuid)]),
    ...(row.node_id === null ? [] : [idMark(row.node_id)]),
  ];
  return [...new Set(marks)];
}

export function nameMark(name: string): string {
  return `name:${name}`;
}

export function macMark(mac: string): string {
  return `mac:${mac}`;
}

export function uuidMark(uuid: string): string {
  return `uuid:${uuid}`;
}

export function idMark(nodeId: string): string {
  return `id:${nodeId}`;
}
