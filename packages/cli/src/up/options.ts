/**
 * What a server is started with: flags first, then `ROLLCALL_…`, then defaults. Everything is read and judged
 * here, before anything is made, and a wrong value is one line that names the flag or variable it came from.
 */
import { accessSync, constants } from 'node:fs';
import { isIP } from 'node:net';
import os from 'node:os';
import type { UpOptions as ServerOptions } from '@rollcall/server';
import { defaultData, resolveFolder } from '../context.ts';
import { Failure } from '../failure.ts';
import type { Io } from '../io.ts';
import { isLoopback, isOurUrl } from '../url.ts';

/** A host and a port to listen on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Everything that `rollcall up` decides: what the server is started with, and whether this machine joins. */
export interface UpOptions extends ServerOptions {
  /** Enrol the machine that the server runs on. */
  readonly localNode: boolean;
}

/** The flags, as commander yields them. */
export interface UpFlags {
  readonly listen?: string;
  readonly publicUrl?: readonly string[];
  readonly data?: string;
  readonly region?: readonly string[];
  readonly account?: string;
  readonly domain?: string;
  readonly store?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly metrics?: string;
  readonly proxyProtocol?: readonly string[];
  readonly logLevel?: string;
  readonly localNode?: boolean;
  readonly successorCa?: boolean;
  readonly cutOffNodes?: string;
}

/** A value and where it came from, for the sentence that refuses it. */
interface Given {
  readonly value: string;
  readonly from: string;
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** Reads and judges all options; throws `Failure` for the first wrong one. */
export function readUpOptions(flags: UpFlags, io: Io): UpOptions {
  const one = (flag: string, value: string | undefined) => given(flag, value, io);
  const many = (flag: string, values: readonly string[] | undefined) => givenList(flag, values, io);

  const listenGiven = one('--listen', flags.listen);
  const publicUrls = many('--public-url', flags.publicUrl).map(readUrl);
  const listen = listenGiven ? readAddress(listenGiven, '0.0.0.0:8443') : defaultListen(publicUrls);
  const regions = many('--region', flags.region).map(readRegion);
  const data = one('--data', flags.data);
  const account = one('--account', flags.account);
  const domain = one('--domain', flags.domain);
  const store = one('--store', flags.store);
  const metrics = one('--metrics', flags.metrics);
  const logLevel = one('--log-level', flags.logLevel);
  const localNode = one('--local-node', flags.localNode === undefined ? undefined : String(flags.localNode));
  const successorCa = one(
    '--successor-ca',
    flags.successorCa === undefined ? undefined : String(flags.successorCa),
  );
  const cutOffNodes = one('--cut-off-nodes', flags.cutOffNodes);
  return {
    listen,
    publicUrls: publicUrls.length ? [...new Set(publicUrls)] : defaultUrls(listen),
    data: data ? resolveFolder(data.value, io) : defaultData(io),
    regions: regions.length ? [...new Set(regions)] : ['us-east-1'],
    account: account ? readAccount(account) : '000000000000',
    ...(domain && { domain: readDomain(domain) }),
    store: store ? readStore(store) : { kind: 'sqlite' },
    ...readTls(one('--tls-cert', flags.tlsCert), one('--tls-key', flags.tlsKey), io),
    metrics: metrics ? readMetrics(metrics) : { host: '127.0.0.1', port: 9464 },
    proxyProtocol: many('--proxy-protocol', flags.proxyProtocol).map(readRange),
    logLevel: logLevel ? readLevel(logLevel) : 'info',
    localNode: localNode ? readYesNo(localNode) : false,
    successorCa: successorCa ? readYesNo(successorCa) : false,
    ...(cutOffNodes && { cutOffNodes: readCount(cutOffNodes) }),
  };
}

/** `--public-url` is `ROLLCALL_PUBLIC_URL`. */
export function variableOf(flag: string): string {
  return `ROLLCALL_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;
}

function given(flag: string, value: string | undefined, io: Io): Given | undefined {
  if (value !== undefined) return { value, from: flag };
  const variable = variableOf(flag);
  const inherited = io.env[variable];
  return inherited ? { value: inherited, from: variable } : undefined;
}

function givenList(flag: string, values: readonly string[] | undefined, io: Io): Given[] {
  if (values?.length) return values.map((value) => ({ value, from: flag }));
  const inherited = given(flag, undefined, io);
  const parts = inherited?.value.split(',').map((part) => part.trim()) ?? [];
  return parts.filter((part) => part !== '').map((value) => ({ value, from: variableOf(flag) }));
}

function wrong(input: Given, right: string): Failure {
  return new Failure(`${input.from} is "${input.value}"; it must be ${right}.`);
}

function readAddress(input: Given, example: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(input.value);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2] ?? '';
  const isHost = match?.[1] === undefined ? isIP(host) === 4 || isName(host) : isIP(host) === 6;
  if (!isHost || !(port >= 1 && port <= 65_535))
    throw wrong(input, `HOST:PORT, for example ${example} or [::]:${example.split(':')[1]}`);
  return { host, port };
}

/** Digits and dots alone are an address gone wrong, never a name. */
function isName(text: string): boolean {
  const label = '[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
  return text.length <= 253 && new RegExp(`^${label}(\\.${label})*$`).test(text) && !/^[\d.]+$/.test(text);
}

function readUrl(input: Given): string {
  if (!isOurUrl(input.value)) throw wrong(input, 'https://HOST:PORT, for example https://rollcall.lan:8443');
  return new URL(input.value).origin;
}

/** Others are to reach it: then loopback, the default, can't be what is meant. */
function defaultListen(publicUrls: readonly string[]): Address {
  const other = publicUrls.find((url) => !isLoopback(url));
  if (!other) return { host: 'localhost', port: Number(portOf(publicUrls[0] ?? 'https://localhost:8443')) };
  const addresses = Object.values(os.networkInterfaces()).flatMap((all) => all ?? []);
  const hasIpv6 = addresses.some((address) => address.family === 'IPv6');
  return { host: hasIpv6 ? '::' : '0.0.0.0', port: Number(portOf(other)) };
}

function portOf(url: string): string {
  return new URL(url).port || '443';
}

/** How this machine is seen by others, when it listens to them and nobody named a URL. */
function defaultUrls(listen: Address): string[] {
  const { host, port } = listen;
  const bracketed = isIP(host) === 6 ? `[${host}]` : host;
  if (host === '::' || host === '0.0.0.0') return [new URL(`https://${machineName()}:${port}`).origin];
  const url = new URL(`https://${bracketed}:${port}`).origin;
  return isLoopback(url) ? [] : [url];
}

/** This machine's name, or its address when it has no name that others could use. */
export function machineName(): string {
  const name = os.hostname().toLowerCase();
  if (isName(name) && name !== 'localhost' && !name.startsWith('localhost.')) return name;
  const addresses = Object.values(os.networkInterfaces()).flatMap((all) => all ?? []);
  return addresses.find((address) => !address.internal && address.family === 'IPv4')?.address ?? 'localhost';
}

function readRegion(input: Given): string {
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(input.value))
    throw wrong(input, 'lower-case letters, digits and hyphens, for example us-east-1 or dc-tokyo');
  return input.value;
}

function readAccount(input: Given): string {
  if (!/^\d{12}$/.test(input.value)) throw wrong(input, 'twelve digits, for example 000000000000');
  return input.value;
}

function readDomain(input: Given): string {
  const name = input.value.toLowerCase();
  if (!isName(name)) throw wrong(input, 'a domain name, for example rollcall.lan');
  return name;
}

function readStore(input: Given): UpOptions['store'] {
  if (input.value === 'sqlite') return { kind: 'sqlite' };
  if (/^postgres(ql)?:\/\//.test(input.value) && URL.canParse(input.value))
    return { kind: 'postgres', url: input.value };
  // The value may hold a password: it isn't repeated.
  throw new Failure(`${input.from} must be "sqlite" or postgres://USER:PASSWORD@HOST:PORT/DATABASE.`);
}

function readTls(
  cert: Given | undefined,
  key: Given | undefined,
  io: Io,
): { tlsCert?: string; tlsKey?: string } {
  if (!cert && !key) return {};
  if (!cert || !key)
    throw new Failure(`${(cert ?? key)?.from} alone isn't enough: give both --tls-cert and --tls-key.`);
  return { tlsCert: readFile(cert, io), tlsKey: readFile(key, io) };
}

function readFile(input: Given, io: Io): string {
  const file = resolveFolder(input.value, io);
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw wrong(
      input,
      `a PEM file that this user can read; ${file} ${missing ? "isn't there" : "can't be read"}`,
    );
  }
  return file;
}

function readMetrics(input: Given): Address | 'off' {
  if (input.value === 'off') return 'off';
  try {
    return readAddress(input, '127.0.0.1:9464');
  } catch {
    throw wrong(input, 'HOST:PORT, for example 127.0.0.1:9464, or off');
  }
}

function readRange(input: Given): string {
  const [address = '', bits, ...rest] = input.value.split('/');
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (version === 0 || !isRange || rest.length)
    throw wrong(input, 'an address or a range, for example 10.0.0.0/24');
  return `${address}/${bits ?? most}`;
}

function readLevel(input: Given): string {
  if (!levels.includes(input.value)) throw wrong(input, `one of ${levels.join(', ')}`);
  return input.value;
}

function readYesNo(input: Given): boolean {
  if (/^(1|true|yes|on)$/i.test(input.value)) return true;
  if (/^(0|false|no|off)$/i.test(input.value)) return false;
  throw wrong(input, 'true or false');
}

function readCount(input: Given): number {
  if (!/^\d{1,9}$/.test(input.value)) throw wrong(input, 'a number of nodes');
  return Number(input.value);
}
