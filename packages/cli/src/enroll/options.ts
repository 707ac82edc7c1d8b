/** What `rollcall enroll` was told, read once and checked. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { resolveFolder } from '../context.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { isOurUrl } from '../url.ts';
import { certificatesIn, readFingerprint } from './door.ts';

/** The flags as they were typed. */
export interface EnrollFlags {
  readonly server?: string;
  readonly activationId?: string;
  readonly activationCode?: string;
  readonly codeFile?: string;
  readonly region?: string;
  readonly root: string;
  readonly caFingerprint?: string;
  readonly caFile?: string;
  readonly proxy?: string;
  readonly noProxy?: string;
  readonly foreground?: boolean;
  readonly service: boolean;
}

/** What they mean. */
export interface EnrollOptions {
  readonly server: string | undefined;
  readonly activationId: string | undefined;
  /** Reads the code: only when it is needed, since after the first time the file may be gone. */
  readonly code: (() => Promise<string>) | undefined;
  /** True when the code stands on the command line, where everybody on the machine can read it. */
  readonly codeIsVisible: boolean;
  readonly region: string | undefined;
  /** Absolute. */
  readonly root: string;
  readonly pin: string | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  readonly proxy: string | undefined;
  readonly noProxy: readonly string[] | undefined;
  readonly start: 'service' | 'foreground' | 'not';
}

/** Where the agent lives unless told. */
export const defaultRoot = '/var/lib/rollcall-agent';

/** Reads the flags. Throws `Failure` for what can't be meant. */
export function readEnrollOptions(flags: EnrollFlags, io: Io): EnrollOptions {
  if (flags.activationCode !== undefined && flags.codeFile !== undefined)
    throw new Failure('--activation-code and --code-file are two ways to say one thing. Give one.');
  if (flags.caFingerprint !== undefined && flags.caFile !== undefined)
    throw new Failure('--ca-fingerprint and --ca-file are two ways to say one thing. Give one.');
  if (flags.foreground && !flags.service)
    throw new Failure('--foreground runs the agent here and now, --no-service not at all. Give one.');
  return {
    server: flags.server === undefined ? undefined : readServer(flags.server),
    activationId: flags.activationId?.trim(),
    code: codeReader(flags, io),
    codeIsVisible: flags.activationCode !== undefined,
    region: flags.region?.trim(),
    root: resolveFolder(flags.root, io),
    pin: flags.caFingerprint === undefined ? undefined : readPin(flags.caFingerprint),
    ca: flags.caFile === undefined ? undefined : readAuthority(flags.caFile, io),
    proxy: flags.proxy === undefined ? undefined : readProxy(flags.proxy),
    noProxy: flags.noProxy?.split(/[\s,]+/).filter((entry) => entry !== ''),
    start: flags.foreground ? 'foreground' : flags.service ? 'service' : 'not',
  };
}

function readServer(typed: string): string {
  if (!isOurUrl(typed))
    throw new Failure(`--server must be https://HOST or https://HOST:PORT, not "${typed}".`);
  return new URL(typed).origin;
}

function readPin(typed: string): string {
  // The form of curl's --pinnedpubkey stands for the server's key instead.
  if (/^sha256\/\/[A-Za-z0-9+/]{43}=$/.test(typed.trim())) return typed.trim();
  const fingerprint = readFingerprint(typed);
  if (fingerprint === undefined)
    throw new Failure(
      '--ca-fingerprint must be sha256: and 64 hexadecimal digits. "rollcall status" shows it.',
    );
  return fingerprint;
}

function readAuthority(typed: string, io: Io): string {
  const file = path.resolve(io.cwd, typed);
  const pem = readText(file, '--ca-file');
  if (certificatesIn(pem).length === 0) throw new Failure(`--ca-file: there is no certificate in ${file}.`);
  return pem;
}

function readProxy(typed: string): string {
  const text = typed.includes('://') ? typed : `http://${typed}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new Failure(`--proxy must be http://[USER:PASSWORD@]HOST:PORT, not "${typed}".`);
  return text;
}

function codeReader(flags: EnrollFlags, io: Io): (() => Promise<string>) | undefined {
  const { activationCode, codeFile } = flags;
  if (activationCode !== undefined) return async () => oneWord(activationCode, '--activation-code');
  if (codeFile === undefined) return undefined;
  if (codeFile === '-') return async () => oneWord(await readAll(io.stdin), 'Standard input');
  const file = path.resolve(io.cwd, codeFile);
  return async () => oneWord(readText(file, '--code-file'), file);
}

function oneWord(text: string, where: string): string {
  const word = text.trim();
  if (word === '') throw new Failure(`${where} holds no activation code.`);
  if (/\s/.test(word) || word.length > 1000)
    throw new Failure(`${where} holds more than an activation code, which is one word.`);
  return word;
}

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.length > 10_000) break;
  }
  return text;
}

function readText(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`${flag}: ${file} can't be read: ${(error as Error).message}`);
  }
}
