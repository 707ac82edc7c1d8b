/**
 * `aws:runShellScript` and `aws:runPowerShellScript`: lines that become a script, which an interpreter runs as
 * the agent's own user.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Json } from '@rollcall/documents';
import {
  type ActionEnd,
  cutShort,
  fail,
  killedCode,
  type Plugin,
  type StepRun,
  textInput,
  timeoutInput,
} from './plugin.ts';
import { runProcess } from './run-process.ts';

/** Exit codes that mean something to the document (as documented by AWS). */
export const exitCodes = { skipRest: 168, failAndSkipRest: 169, reboot: 194 } as const;

interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** An interpreter of scripts. */
export interface Interpreter {
  /** The script's file. */
  readonly scriptName: string;
  /** How a script in a file is run. */
  readonly command: (path: string, script: string) => Command;
  /** How a script is run that couldn't be written to a file; undefined when it can't be. */
  readonly inline: (script: string) => Command | undefined;
  /** What is said when there is no such interpreter here. */
  readonly missing: string;
}

const shell: Interpreter = {
  scriptName: '_script.sh',
  // A script that names its own interpreter is for that one; any other needs no right to be executed.
  command: (path, script) => ({
    file: 'sh',
    args: hasInterpreter(script) ? ['-c', 'exec "$0"', path] : [path],
  }),
  inline: (script) => (hasInterpreter(script) ? undefined : { file: 'sh', args: ['-c', script] }),
  missing: 'There is no shell (sh) on this machine.',
};

const powerShell: Interpreter = {
  scriptName: '_script.ps1',
  command: (path) => ({ file: 'pwsh', args: ['-NoLogo', '-NoProfile', '-NonInteractive', '-File', path] }),
  inline: () => undefined,
  missing: 'PowerShell (pwsh) is not installed on this machine, or not in the PATH of its agent.',
};

const hasInterpreter = (script: string) => script.startsWith('#!');

export const runShellScript: Plugin = (run) => runScript(run, shell);
export const runPowerShellScript: Plugin = (run) => runScript(run, powerShell);

/** Runs a step's lines with an interpreter. */
export async function runScript(run: StepRun, interpreter: Interpreter): Promise<ActionEnd> {
  const lines = linesOf(run.inputs.runCommand);
  if (lines === undefined) return fail(run, 'The input runCommand must be a list of lines.');
  const cwd = workingFolder(run);
  if (!existsSync(cwd)) return fail(run, `The working directory ${cwd} is not there.`);
  const environment = run.inputs.environment ?? {};
  const env = { ...textsOf(environment), ...surroundings(run) };
  const script = `${lines.join('\n')}\n`;
  let command: Command | undefined;
  try {
    command = interpreter.command(await writeScript(run, interpreter.scriptName, script), script);
  } catch (error) {
    command = interpreter.inline(script);
    if (command === undefined)
      return fail(run, `The script could not be written to disk: ${(error as Error).message}.`);
  }
  const end = await runProcess({
    ...run,
    ...command,
    cwd,
    env,
    timeoutMs: timeoutInput(run.inputs),
  });
  switch (end.how) {
    case 'aborted':
      return cutShort(run.signal);
    case 'timed-out':
      return { status: 'TimedOut', code: killedCode };
    case 'not-started':
      return fail(
        run,
        end.error.code === 'ENOENT'
          ? interpreter.missing
          : `${command.file} could not be started: ${end.error.message}.`,
      );
    case 'signalled':
      // The official agent calls a step timed out whose shell says 137; whoever ran out of memory knows better.
      return fail(run, `failed to run commands: signal: ${end.signal}`, end.code);
    case 'exited':
      return exited(run, end.code);
  }
}

async function exited(run: StepRun, code: number): Promise<ActionEnd> {
  if (code === 0 || code === exitCodes.skipRest) return { status: 'Success', code };
  if (code === exitCodes.reboot) return { status: 'SuccessAndReboot', code };
  return fail(run, `failed to run commands: exit status ${code}`, code);
}

function linesOf(value: Json | undefined): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return undefined;
  const lines = value.map((line) => linesOf(line));
  return lines.every((line) => line !== undefined) ? lines.flat() : undefined;
}

/** An absolute path; else a folder among the downloads, if it is there; else where the agent is. */
function workingFolder(run: StepRun): string {
  const wanted = textInput(run.inputs, 'workingDirectory')?.trim() ?? '';
  if (isAbsolute(wanted)) return wanted;
  const downloaded = join(run.downloads, wanted);
  if (existsSync(downloaded)) return downloaded;
  try {
    return process.cwd();
  } catch {
    // It was removed.
    return '/';
  }
}

async function writeScript(run: StepRun, name: string, script: string): Promise<string> {
  await run.makeFolder();
  const path = join(run.folder, name);
  await writeFile(path, script, { mode: 0o700 });
  return path;
}

function textsOf(value: Json): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  const texts = Object.entries(value).filter(([, text]) => typeof text === 'string');
  return Object.fromEntries(texts) as Record<string, string>;
}

function surroundings(run: StepRun): Record<string, string> {
  return {
    AWS_SSM_INSTANCE_ID: run.nodeId,
    AWS_SSM_REGION_NAME: run.region,
    AWS_SSM_PLATFORM_NAME: run.facts.platformName,
    AWS_SSM_PLATFORM_VERSION: run.facts.platformVersion,
    SSM_COMMAND_ID: run.commandId,
  };
}
