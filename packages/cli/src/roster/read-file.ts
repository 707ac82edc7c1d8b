/** A roster that a person has in a file: read, its form recognised, its source named after it. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';

/** The forms that a server reads. */
export const formats = ['csv', 'ansible', 'ec2', 'hosts', 'json'] as const;
export type Format = (typeof formats)[number];

/** The longest text that a server takes. */
const longest = 32 * 1024 * 1024;
/** Longer texts travel packed. */
const longestPlain = 64 * 1024;

/** The text of a file, or of standard input for `-`. */
export async function readText(typed: string, io: Io): Promise<string> {
  if (typed === '-') return readAll(io.stdin);
  const file = path.resolve(io.cwd, typed);
  try {
    if (statSync(file).size > longest) throw new Failure(`${file} is larger than 32 MiB.`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${file} can't be read: ${(error as Error).message}`);
  }
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > longest) throw new Failure('Standard input is longer than 32 MiB.');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The form of a roster by its name and its text; undefined when neither says it. A person is told what was taken,
 * so that a wrong guess is seen.
 */
export function guessFormat(name: string, text: string): Format | undefined {
  const base = path.basename(name).toLowerCase();
  if (/^\s*(\ufeff)?[[{]/.test(text) && isJson(text)) return /"Reservations"\s*:/.test(text) ? 'ec2' : 'json';
  if (base.endsWith('.csv')) return 'csv';
  if (/\.(ya?ml|ini|cfg)$/.test(base)) return 'ansible';
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.replace(/#.*$/, '').trim())
    .filter((line) => line !== '');
  // A table of addresses and names, as in /etc/hosts; an inventory may be called "hosts" as well.
  if (lines.length > 0 && lines.every((line) => /^[0-9a-f.:]{2,45}(%\w+)?\s+\S/i.test(line))) return 'hosts';
  if (lines.some((line) => /^\[[^\]]+\]$/.test(line))) return 'ansible';
  if (/^[\w "'-]+([,;\t][\w "'-]*)+$/.test(lines[0] ?? '')) return 'csv';
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\ufeff/, ''));
    return true;
  } catch {
    return false;
  }
}

/** A name for the source of a file: what the file is called, without what a name can't have. */
export function sourceNamed(file: string): string | undefined {
  const base = path.basename(file).replace(/\.[A-Za-z0-9]{1,5}$/, '');
  const name = base.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');
  return name === '' ? undefined : name.slice(0, 64);
}

/** The members of a request that carry the text. */
export async function textMembers(text: string): Promise<{ Text: string } | { Data: string }> {
  if (Buffer.byteLength(text) <= longestPlain) return { Text: text };
  return { Data: (await promisify(gzip)(text)).toString('base64') };
}
