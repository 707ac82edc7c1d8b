/** Evidence of a machine that comes as text: a bundle of the doctor's, or a block that the script printed. */
import type { NodeEvidence } from '@rollcall/diagnosis';
import { type BlockProblem, readCollected } from '@rollcall/diagnosis/collected';
import { parseJson } from '@rollcall/wire';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { readText } from '../roster/read-file.ts';

/** Reads it from a file, or from standard input for `-`. */
export async function readEvidence(file: string, io: Io): Promise<NodeEvidence> {
  return parseEvidence(await readText(file, io), file === '-' ? 'Standard input' : file);
}

/** Finds it in a text. Throws a `Failure` that says what is wrong with `where` it came from. */
export function parseEvidence(text: string, where: string): NodeEvidence {
  const trimmed = text.replace(/^\ufeff/, '').trim();
  if (trimmed === '') throw new Failure(`${where} is empty. Evidence is made by: rollcall collect`);
  if (trimmed.startsWith('{')) return readBundle(trimmed, where);
  const read = readCollected(text);
  if ('problem' in read) throw new Failure(explain(read, where));
  return read.evidence;
}

function readBundle(text: string, where: string): NodeEvidence {
  const value = quietly(() => parseJson(text));
  if (isEvidence(value)) return value;
  if (isRecord(value) && 'gates' in value)
    throw new Failure(
      `${where} holds a verdict, not what it was reached by. A bundle is made by: rollcall doctor --bundle FILE`,
    );
  throw new Failure(`${where} is no bundle of rollcall doctor: it may be cut, or of another version.`);
}

/** Whether a value has what evidence must have; what it may have is looked at with care by whoever judges. */
function isEvidence(value: unknown): value is NodeEvidence {
  if (!isRecord(value) || value.format !== 1) return false;
  const { at, host, agents, endpoints, unseen } = value;
  return (
    typeof at === 'number' &&
    isRecord(host) &&
    typeof host.name === 'string' &&
    isRecord(host.os) &&
    Array.isArray(host.addresses) &&
    Array.isArray(host.macs) &&
    [agents, endpoints, unseen].every((each) => Array.isArray(each) && each.every(isRecord))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function explain({ problem, detail }: BlockProblem, where: string): string {
  switch (problem) {
    case 'none':
      return `${where} holds no evidence: ${detail}. It is made by: rollcall collect, or rollcall doctor --bundle FILE`;
    case 'cut':
      return `The block in ${where} isn't whole: ${detail}. Copy all of it, from BEGIN to END.`;
    case 'changed':
      return `The block in ${where} isn't as it was collected: ${detail}. Copy it again, or send it as a file.`;
    case 'format':
      return `The block in ${where} can't be read: ${detail}. rollcall collect prints the script of this version.`;
  }
}
