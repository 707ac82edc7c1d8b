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
}

/** The settings file has something in it that can't be meant. */
export class ConfigError extends Error {
  constructor(path: string, why: string) {
    super(`${path}: ${why}`);
    this.name = 'ConfigError';
  }
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * Reads the settings, with defaults for what isn't set.
 * @throws ConfigError
 */
export function loadConfig(root: string): AgentConfig {
  const path = join(root, fileNames.config);
  const text = readText(path);
  if (text === undefined) return { periodSeconds: 300, logLevel: 'info' };
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
  const { proxy, noProxy, periodSeconds = 300, logLevel = 'info' } = value;
  if (proxy !== undefined && !isProxy(proxy)) refuse('proxy must be http://[user:password@]host:port.');
  if (noProxy !== undefined && !(Array.isArray(noProxy) && noProxy.every((host) => typeof host === 'string')))
    refuse('noProxy must be a list of host names.');
  if (typeof periodSeconds !== 'number' || !(periodSeconds >= 30 && periodSeconds <= 3600))
    refuse('periodSeconds must be a number from 30 to 3600.');
  if (!levels.includes(logLevel as LogLevel)) refuse(`logLevel must be one of ${levels.join(', ')}.`);
  return {
    ...(proxy === undefined ? {} : { proxy: proxy as string }),
    ...(noProxy === undefined ? {} : { noProxy: noProxy as string[] }),
    periodSeconds: periodSeconds as number,
    logLevel: logLevel as LogLevel,
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

function isProxy(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
