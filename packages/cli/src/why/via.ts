/**
 * Seeing a machine from inside by SSH, with nothing installed there: the collecting script goes in by standard
 * input, its block comes back. The system's own `ssh` is used, with the keys, agents and settings that a person
 * has, and no shell on our side.
 */
import { spawn } from 'node:child_process';
import { Failure } from '../failure.ts';
import type { Environment } from '../io.ts';

/** Where to. */
export interface SshTarget {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/** How the machine was reached. */
export interface SshOptions {
  /** Run it as root there, by `sudo -n`. */
  readonly sudo?: boolean;
  /** The address of the server that the script is to try, whatever it finds. */
  readonly server?: string;
  /** Whether there is a person who could be asked for a password. */
  readonly interactive: boolean;
  readonly env: Environment;
  /** Milliseconds after which it is given up. */
  readonly timeout?: number;
}

/** Longer answers aren't the script's. */
const longest = 2_000_000;
/** The script ends by itself within 20 s. */
const usualTimeout = 60_000;

/** Reads `ssh://USER@HOST:PORT`. */
export function readTarget(text: string): SshTarget {
  const wrong = () => new Failure(`--via is "${text}"; it must be ssh://USER@HOST or ssh://USER@HOST:PORT.`);
  const parts = /^ssh:\/\/(?:([^@/:]+)@)?(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^@/:]+)(?::(\d{1,5}))?\/?$/.exec(
    text,
  );
  const [, user, bracketed = '', port] = parts ?? [];
  const host = bracketed.replace(/^\[(.*)\]$/, '$1');
  // What begins with a dash would be an option; what has a space or a control character is no name.
  for (const each of [user, host])
    if (each !== undefined && !/^[A-Za-z0-9_.~:%+][A-Za-z0-9_.~:%+-]*$/.test(each)) throw wrong();
  const number = port === undefined ? undefined : Number(port);
  if (!parts || (number !== undefined && (number < 1 || number > 65_535))) throw wrong();
  return { host, ...(user !== undefined && { user }), ...(number !== undefined && { port: number }) };
}

/** The arguments of `ssh`. */
export function sshArguments(
  target: SshTarget,
  options: Pick<SshOptions, 'sudo' | 'interactive' | 'server'>,
): string[] {
  return [
    '-T',
    '-o',
    'ConnectTimeout=10',
    ...(options.interactive ? [] : ['-o', 'BatchMode=yes']),
    ...(target.port === undefined ? [] : ['-p', String(target.port)]),
    ...(target.user === undefined ? [] : ['-l', target.user]),
    '--',
    target.host,
    remoteCommand(options),
  ];
}

/** What the shell at the other end reads: nothing goes into it that isn't a plain word. */
function remoteCommand({ sudo, server }: Pick<SshOptions, 'sudo' | 'server'>): string {
  const isPlain = server !== undefined && /^https:\/\/[A-Za-z0-9.:-]+$/.test(server);
  return `${sudo ? 'sudo -n ' : ''}sh -s${isPlain ? ` -- --server ${server}` : ''}`;
}

/** Runs the script on the machine; its output, or a `Failure` that says how far it came. */
export async function collectBySsh(script: string, target: SshTarget, options: SshOptions): Promise<string> {
  const ended = await runSsh(script, sshArguments(target, options), options);
  const said = ended.errors.trim().split('\n').at(-1)?.trim() ?? '';
  const because = said === '' ? '' : `: ${said}`;
  if (ended.problem !== undefined) throw new Failure(`ssh can't be run here: ${ended.problem}`);
  if (ended.late) throw new Failure(`${target.host} didn't answer in time over ssh${because}`);
  if (ended.output.trim() !== '') return ended.output;
  if (ended.code === 255) throw new Failure(`${target.host} can't be reached over ssh${because}`);
  throw new Failure(`On ${target.host} the script said nothing (exit code ${ended.code})${because}`);
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
  readonly late: boolean;
  readonly problem?: string;
}

function runSsh(script: string, args: readonly string[], options: SshOptions): Promise<Ended> {
  return new Promise((resolve) => {
    let output = '';
    let errors = '';
    let late = false;
    // Its questions and its answers go by the terminal itself, not by these streams.
    const child = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...options.env } });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGTERM');
    }, options.timeout ?? usualTimeout);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.length > longest) child.kill('SIGTERM');
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors = (errors + chunk).slice(-4000);
    });
    const end = (code: number | null, problem?: string) => {
      clearTimeout(timer);
      resolve({ code, output, errors, late, ...(problem !== undefined && { problem }) });
    };
    child.on('error', (error) => end(null, error.message));
    child.on('close', (code) => end(code));
    // Whoever refuses us reads nothing: that is told by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(script);
  });
}
