/** Clones a repository with the machine's own git, and puts what is in it where it is wanted. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ActionEnd, cutShort, fail, type StepRun } from './plugin.ts';
import { runProcess } from './run-process.ts';

/** A repository to download. */
export interface GitDownload {
  readonly repository: string;
  /** A branch or tag, or the id of a commit; the default branch when neither is given. */
  readonly branch?: string | undefined;
  readonly commit?: string | undefined;
  readonly username: string;
  readonly password: string;
  readonly sshKey: string;
  readonly skipHostKeyChecking: boolean;
}

/** No repository takes longer (ms). */
const longest = 3_600_000;

/** Reads `branch:NAME` or `commitID:ID`. @throws Error with a sentence. */
export function readGetOptions(text: string): { branch?: string; commit?: string } {
  if (text === '') return {};
  const [, kind, value] = /^\s*(branch|commitID)\s*:\s*(\S+)\s*$/.exec(text) ?? [];
  if (kind === undefined || value === undefined || value.startsWith('-'))
    throw new Error('getOptions must be branch:NAME or commitID:ID.');
  if (kind === 'branch') return { branch: value };
  if (!/^[0-9a-fA-F]{4,64}$/.test(value)) throw new Error(`${value} is not the id of a commit.`);
  return { commit: value };
}

/** Clones into a folder that is there; files of the same name are replaced. Undefined when it worked. */
export async function cloneInto(
  run: StepRun,
  what: GitDownload,
  folder: string,
): Promise<ActionEnd | undefined> {
  await run.makeFolder();
  const clone = await mkdtemp(join(run.folder, 'clone-'));
  const keyFile = join(run.folder, 'key');
  try {
    const env = {
      // Whoever could answer a question isn't here; and no transport that is a program of the asker's choice.
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: 'https:http:ssh:git:file',
      ...proxyOf(run),
      ...passwordOf(what),
      ...(await sshOf(what, keyFile)),
    };
    const { branch, commit } = what;
    const options = commit === undefined ? ['--depth', '1', ...(branch ? ['--branch', branch] : [])] : [];
    const cloned = await git(run, ['clone', '--quiet', ...options, '--', what.repository, clone], env);
    if (cloned !== undefined) return cloned;
    if (commit !== undefined) {
      const args = ['-C', clone, '-c', 'advice.detachedHead=false', 'checkout', '--quiet', commit, '--'];
      const checkedOut = await git(run, args, env);
      if (checkedOut !== undefined) return checkedOut;
    }
    await cp(clone, folder, { recursive: true, force: true, verbatimSymlinks: true });
    return undefined;
  } finally {
    await rm(keyFile, { force: true });
    await rm(clone, { recursive: true, force: true });
  }
}

async function git(
  run: StepRun,
  args: readonly string[],
  env: Record<string, string>,
): Promise<ActionEnd | undefined> {
  const end = await runProcess({ ...run, file: 'git', args, cwd: '/', env, timeoutMs: longest });
  switch (end.how) {
    case 'exited':
      return end.code === 0 ? undefined : fail(run, `git ended with exit status ${end.code}.`);
    case 'signalled':
      return fail(run, `git was ended by ${end.signal}.`);
    case 'timed-out':
      return fail(run, 'git took longer than an hour.');
    case 'aborted':
      return cutShort(run.signal);
    case 'not-started':
      return fail(
        run,
        end.error.code === 'ENOENT'
          ? 'git is not installed on this machine, or not in the PATH of its agent.'
          : `git could not be started: ${end.error.message}.`,
      );
  }
}

/** By the environment, which only this user and root can read; arguments are for everybody to see. */
function passwordOf({ repository, username, password }: GitDownload): Record<string, string> {
  if (username === '' && password === '') return {};
  const { origin } = new URL(repository);
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
  };
}

async function sshOf(what: GitDownload, keyFile: string): Promise<Record<string, string>> {
  const words = ['ssh', '-o', 'BatchMode=yes'];
  if (what.sshKey !== '') {
    await writeFile(keyFile, `${what.sshKey.trimEnd()}\n`, { mode: 0o600 });
    words.push('-i', `'${keyFile.replaceAll("'", `'\\''`)}'`, '-o', 'IdentitiesOnly=yes');
  }
  if (what.skipHostKeyChecking)
    words.push('-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null');
  return { GIT_SSH_COMMAND: words.join(' ') };
}

function proxyOf({ way }: StepRun): Record<string, string> {
  if (way.proxy === undefined) return {};
  const names = way.noProxy?.length ? { no_proxy: way.noProxy.join(',') } : undefined;
  return { https_proxy: way.proxy, http_proxy: way.proxy, ...names };
}
