/** `aws:downloadContent`: brings a file or a repository to this machine. */
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import type { Json, JsonObject } from '@rollcall/documents';
import { parseJson } from '@rollcall/wire';
import { documentNameOf } from './document-name.ts';
import { cloneInto, readGetOptions } from './git-source.ts';
import { download } from './http-source.ts';
import { type ActionEnd, cutShort, fail, type Plugin, type StepRun, textInput } from './plugin.ts';

const supported = 'HTTP, Git and SSMDocument';

/** Downloads what `sourceType` and `sourceInfo` name to `destinationPath`. */
export const downloadContent: Plugin = async (run) => {
  const sourceType = textInput(run.inputs, 'sourceType') ?? '';
  const source = sources[sourceType];
  if (source === undefined) {
    const known = sourceType === 'S3' || sourceType === 'GitHub';
    const hint = sourceType === 'GitHub' ? ' A repository on GitHub can be had as Git.' : '';
    return fail(
      run,
      known
        ? `This agent does not download from ${sourceType}; what it can is ${supported}.${hint}`
        : `sourceType must be one of ${supported}, not ${JSON.stringify(sourceType)}.`,
    );
  }
  const info = objectOf(run.inputs.sourceInfo);
  if (info === undefined) return fail(run, 'sourceInfo must be a JSON object.');
  const reference = storeReference(info);
  if (reference !== undefined)
    return fail(run, `${reference} refers to the Parameter Store, which this agent does not read.`);
  const wanted = textInput(run.inputs, 'destinationPath')?.trim() ?? '';
  const destination = isAbsolute(wanted) ? wanted : `${run.downloads}${sep}${wanted}`;
  try {
    const end = await source(run, info, destination);
    if (end !== undefined) return end;
    await run.stdout.note(`Content downloaded to ${destination}`);
    return { status: 'Success', code: 0 };
  } catch (error) {
    if (run.signal.aborted) return cutShort(run.signal);
    return fail(run, `The download failed. ${(error as Error).message}`);
  }
};

/** Downloads to a path; undefined when it worked. */
type Source = (run: StepRun, info: JsonObject, destination: string) => Promise<ActionEnd | undefined>;

const sources: Readonly<Record<string, Source>> = {
  async HTTP(run, info, destination) {
    const text = textInput(info, 'url')?.trim() ?? '';
    if (!/^https?:\/\//i.test(text) || !URL.canParse(text))
      return fail(run, 'url must begin with https:// or http://.');
    const url = new URL(text);
    const authMethod = textInput(info, 'authMethod')?.trim() || 'None';
    if (authMethod !== 'None' && authMethod !== 'Basic' && authMethod !== 'Digest')
      return fail(run, 'authMethod must be None, Basic or Digest.');
    const name = basename(decoded(url.pathname)) || 'download';
    const path = await fileIn(destination, name);
    await download(
      {
        url,
        authMethod,
        username: textInput(info, 'username')?.trim() ?? '',
        password: textInput(info, 'password')?.trim() ?? '',
        allowInsecure: textInput(info, 'allowInsecureDownload') === 'true',
        way: run.way,
        signal: run.signal,
      },
      path,
    );
    return undefined;
  },

  async Git(run, info, destination) {
    const repository = textInput(info, 'repository')?.trim() ?? '';
    if (repository === '' || repository.startsWith('-')) return fail(run, 'repository must be a URL.');
    const [username, password, sshKey] = ['username', 'password', 'privateSSHKey'].map(
      (name) => textInput(info, name) ?? '',
    ) as [string, string, string];
    const overHttp = /^https?:\/\//i.test(repository);
    if (!overHttp && (username !== '' || password !== ''))
      return fail(run, 'username and password are for repositories over HTTPS; others take privateSSHKey.');
    if (overHttp && sshKey !== '')
      return fail(run, 'privateSSHKey is for repositories over SSH; HTTPS takes username and password.');
    await mkdir(destination, { recursive: true, mode: 0o700 });
    return cloneInto(
      run,
      {
        repository,
        ...readGetOptions(textInput(info, 'getOptions') ?? ''),
        username: username.trim(),
        password: password.trim(),
        sshKey,
        skipHostKeyChecking: textInput(info, 'skipHostKeyChecking') === 'true',
      },
      destination,
    );
  },

  async SSMDocument(run, info, destination) {
    const given = textInput(info, 'name')?.trim() ?? '';
    if (given === '') return fail(run, 'name must be the name of a document.');
    const { name, version } = documentNameOf(given);
    const { content, format } = await run.getDocument(name, version);
    const path = await fileIn(destination, `${basename(name)}.${format.toLowerCase()}`);
    await writeFile(path, content, { mode: 0o700 });
    await chmod(path, 0o700);
    return undefined;
  },
};

/** The file that a destination means: itself, or one of this name if it is a folder. Its folder is made. */
async function fileIn(destination: string, name: string): Promise<string> {
  const isFolder = (await stat(destination).catch(() => undefined))?.isDirectory() ?? false;
  const path = resolve(isFolder || destination.endsWith(sep) ? join(destination, name) : destination);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return path;
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  let read: Json | undefined = value;
  if (typeof value === 'string') {
    try {
      read = parseJson(value) as Json;
    } catch {
      return undefined;
    }
  }
  return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as JsonObject) : undefined;
}

/** The first member that is to be looked up elsewhere; sent as it is, it would be a wrong password. */
function storeReference(info: JsonObject): string | undefined {
  const texts = Object.values(info).filter((value) => typeof value === 'string');
  return texts.find((text) => /^\{\{\s*ssm(-secure)?:/.test(text.trim()));
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path).replaceAll('\0', '');
  } catch {
    return path;
  }
}
