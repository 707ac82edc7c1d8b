/** What may be set for one agent, in `config.json`. Nothing is ever taken from the environment. */
import { join } from 'node:path';
import { fileNames, readText, writeAtomic } from './files.ts';
import type { LogLevel } from './log.ts';

/** An agent's settings. */
export interface AgentConfig {
  /** `http://[user:password@]host:port`; the way out for everything. */
  readonly proxy?: string;
  /** Hosts reached without the proxy: `name`, `.suffix`, an address or a range of them. */
  readonly noProxy?: readonly string[];
  /** Seconds between heartbeats; at least 30. */
  readonly periodSeconds: number;
  readonly logLevel: LogLevel;
  /** Commands that run at once; 10 unless set, at most 100. */
  readonly commandWorkers: number;
  /** Bytes that are kept of each output stream of a step; 10 MiB unless set. */
  readonly outputLimitBytes: number;
  /** Whether a command may start the machine again (exit code 194); so unless set. */
  readonly allowReboot: boolean;
  /** Whether the server is told what the agent sees of its own machine; so unless set. */
  readonly sendEvidence: boolean;
  /** Where output goes when the sender of a command names a bucket. */
  readonly s3?: S3Config;
}

/** A store that speaks S3. */
export interface S3Config {
  /** `http(s)://host[:port]`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Whether buckets are names below the endpoint's, as AWS has them, instead of the path's beginning. */
  readonly virtualHosted?: boolean;
}

/** The settings file has something in it that can't be meant. */
export class ConfigError extends Error {
  constructor(path: string, why: string) {
    super(`${path}: ${why}`);
    this.name = 'ConfigError';
  }
}

const defaults = {
  periodSeconds: 300,
  logLevel: 'info',
  commandWorkers: 10,
  outputLimitBytes: 10 * 1024 * 1024,
  allowReboot: true,
  sendEvidence: true,
} as const;

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * Reads the settings, with defaults for what isn't set.
 * @throws ConfigError
 */
export function loadConfig(root: string): AgentConfig {
  const path = join(root, fileNames.config);
  const text = readText(path);
  if (text === undefined) return defaults;
  const refuse = (why: string): never => {
    throw new ConfigError(path, why);
  };
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('this is not JSON.');
  }
  if (typeof value !== 'object' || value === null) return refuse('this is not a JSON object.');
  const set: Record<string, unknown> = { ...defaults, ...value };
  const { proxy, noProxy, periodSeconds, logLevel, commandWorkers, outputLimitBytes } = set;
  const { allowReboot, sendEvidence, s3 } = set;
  if (proxy !== undefined && !isProxy(proxy)) refuse('proxy must be http://[user:password@]host:port.');
  if (noProxy !== undefined && !(Array.isArray(noProxy) && noProxy.every((host) => typeof host === 'string')))
    refuse('noProxy must be a list of host names.');
  if (typeof periodSeconds !== 'number' || !(periodSeconds >= 30 && periodSeconds <= 3600))
    refuse('periodSeconds must be a number from 30 to 3600.');
  if (!levels.includes(logLevel as LogLevel)) refuse(`logLevel must be one of ${levels.join(', ')}.`);
  if (!isWhole(commandWorkers, 1, 100)) refuse('commandWorkers must be a whole number from 1 to 100.');
  if (!isWhole(outputLimitBytes, 0, 2 ** 30))
    refuse('outputLimitBytes must be a whole number of at most 1073741824.');
  if (typeof allowReboot !== 'boolean') refuse('allowReboot must be true or false.');
  if (typeof sendEvidence !== 'boolean') refuse('sendEvidence must be true or false.');
  if (s3 !== undefined && !isS3(s3))
    refuse('s3 must have endpoint (http:// or https://), region, accessKeyId and secretAccessKey.');
  return {
    ...(proxy === undefined ? {} : { proxy: proxy as string }),
    ...(noProxy === undefined ? {} : { noProxy: noProxy as string[] }),
    periodSeconds: periodSeconds as number,
    logLevel: logLevel as LogLevel,
    commandWorkers: commandWorkers as number,
    outputLimitBytes: outputLimitBytes as number,
    allowReboot: allowReboot as boolean,
    sendEvidence: sendEvidence as boolean,
    ...(s3 === undefined ? {} : { s3: s3 as S3Config }),
  };
}

/** Writes some settings; those not named stay as they are. */
export function saveConfig(root: string, changes: Partial<AgentConfig>): void {
  const path = join(root, fileNames.config);
  const before = readText(path);
  const value = { ...(before === undefined ? {} : JSON.parse(before)), ...changes };
  writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** A proxy's address as it may be shown: without its password. */
export function shownProxy(proxy: string): string {
  const url = new URL(proxy);
  return `${url.protocol}//${url.host}`;
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function isS3(value: unknown): boolean {
  const s3 = value as Partial<S3Config> | null;
  const texts = [s3?.region, s3?.accessKeyId, s3?.secretAccessKey];
  return isProxy(s3?.endpoint) && texts.every((text) => typeof text === 'string' && text !== '');
}

function isProxy(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
