/** Evidence as it may leave the machine in a bundle. */
import { createHash } from 'node:crypto';
import type { NodeEvidence } from '@rollcall/diagnosis';
import { redactText } from '@rollcall/diagnosis/collected';

/**
 * Looks through every text of some evidence once more, so that nothing which was told since, by whatever way,
 * gets out; and replaces the machine's id, which programs derive secrets from, by a hash that still tells
 * machines apart.
 */
export function redact(evidence: NodeEvidence): NodeEvidence {
  const { machineId } = evidence.host;
  const clean = cleaned(evidence, machineId) as NodeEvidence;
  if (machineId === undefined) return clean;
  return { ...clean, host: { ...clean.host, machineId: hashed(machineId) } };
}

function cleaned(value: unknown, machineId: string | undefined): unknown {
  if (typeof value === 'string') {
    // Fingerprints of certificates are as long as keys, and no secret.
    if (/^[0-9a-f]{64}$/.test(value)) return value;
    const text = machineId === undefined ? value : value.replaceAll(machineId, hashed(machineId));
    return redactText(text, 2000);
  }
  if (Array.isArray(value)) return value.map((item) => cleaned(item, machineId));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cleaned(item, machineId)]));
}

function hashed(machineId: string): string {
  return `sha256-${createHash('sha256').update(`rollcall bundle ${machineId}`).digest('hex').slice(0, 24)}`;
}
