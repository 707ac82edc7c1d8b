/** Which proxy a program would use for an address: by Go's rules for the official agent, by Node's for ours. */
import { BlockList, isIP, isIPv4 } from 'node:net';
import type { ProxyEvidence, ProxySettings } from '@rollcall/diagnosis';
import { redactUrl } from '@rollcall/diagnosis/collected';

/** A proxy to go through; `problem` when what is set can't be read as one. */
export type ProxyChoice = { readonly url: URL } | { readonly problem: string } | undefined;

type Environment = Readonly<Record<string, string | undefined>>;

function either(environment: Environment, upper: string): string | undefined {
  return environment[upper] || environment[upper.toLowerCase()] || undefined;
}

/** The proxy that a Go program in this environment uses for a URL of `https`. */
export function goProxy(environment: Environment, target: URL): ProxyChoice {
  const text = either(environment, 'HTTPS_PROXY');
  if (text === undefined || !goUsesProxy(either(environment, 'NO_PROXY') ?? '', target)) return undefined;
  return readProxyUrl(text);
}

/** A proxy's URL as Go reads it: without a scheme it is `http`. */
function readProxyUrl(text: string): ProxyChoice {
  if (/\s/.test(text)) return { problem: 'it has a space in it' };
  const schemed = /^(https?|socks5):\/\//i.test(text) ? text : `http://${text}`;
  // Go doesn't guess where a password ends that has such a character in it.
  const authority = schemed.replace(/^[a-z0-9]+:\/\//i, '').split(/[/?#]/)[0]!;
  if (authority.split('@').length > 2) return { problem: 'a password with @ in it must be written with %40' };
  if (/#/.test(schemed) && schemed.includes('@') && !authority.includes('@'))
    return { problem: 'a password with # in it must be written with %23' };
  if (!URL.canParse(schemed)) return { problem: 'it cannot be read as a URL' };
  const url = new URL(schemed);
  if (url.hostname === '') return { problem: 'it names no host' };
  if (/^(https?|socks5)$/i.test(url.hostname))
    return { problem: 'its scheme is written twice or without ://' };
  return { url };
}

function goUsesProxy(noProxy: string, target: URL): boolean {
  const host = target.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost') return false;
  const family = isIP(host);
  if (family !== 0 && (host.startsWith('127.') || host === '::1')) return false;
  for (const raw of noProxy.split(',')) {
    const entry = raw.trim().toLowerCase();
    if (entry === '') continue;
    if (entry === '*') return false;
    if (/^[0-9a-f.:]+\/\d+$/.test(entry)) {
      if (family !== 0 && inRange(host, entry)) return false;
      continue;
    }
    const { name, port: own } = splitPort(entry);
    if (name === '' || (own !== undefined && own !== port)) continue;
    if (isIP(name) !== 0) {
      if (name === host) return false;
      continue;
    }
    const plain = name.replace(/^\*(?=\.)/, '');
    // `example.com` covers itself and what is below it; `.example.com` only what is below.
    if (plain.startsWith('.') ? host.endsWith(plain) : host === plain || host.endsWith(`.${plain}`))
      return false;
  }
  return true;
}

function splitPort(entry: string): { name: string; port?: string } {
  const bracketed = /^\[(.*)\](?::(\d+))?$/.exec(entry);
  if (bracketed)
    return { name: bracketed[1]!, ...(bracketed[2] === undefined ? {} : { port: bracketed[2] }) };
  const match = /^([^:]*):(\d+)$/.exec(entry);
  return match ? { name: match[1]!, port: match[2]! } : { name: entry };
}

function inRange(address: string, range: string): boolean {
  const [base, bits] = range.split('/') as [string, string];
  const family = isIPv4(base) ? 'ipv4' : 'ipv6';
  if (isIP(base) === 0 || Number(bits) > (family === 'ipv4' ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(bits), family);
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** The proxy that our agent uses: from its settings only. */
export function ownProxy(
  proxy: string | undefined,
  noProxy: readonly string[] | undefined,
  target: URL,
): ProxyChoice {
  if (proxy === undefined) return undefined;
  const host = target.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  for (const raw of noProxy ?? []) {
    const entry = raw.trim().toLowerCase();
    const { name, port } = splitPort(entry);
    if (port !== undefined && port !== (target.port || '443')) continue;
    if (name === '*' || name === host) return undefined;
    const suffix = name.startsWith('*.') ? name.slice(1) : name;
    if (suffix.startsWith('.') && (host.endsWith(suffix) || host === suffix.slice(1))) return undefined;
    const range = /^([\d.]+)-([\d.]+)$/.exec(name);
    if (range && isIPv4(host) && between(host, range[1]!, range[2]!)) return undefined;
  }
  // Our agent guesses no scheme, and takes a host before a colon for one.
  if (!/^https?:\/\//i.test(proxy)) return { problem: 'it must begin with http://' };
  return URL.canParse(proxy) ? { url: new URL(proxy) } : { problem: 'it cannot be read as a URL' };
}

function between(host: string, first: string, last: string): boolean {
  const number = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return number(first) <= number(host) && number(host) <= number(last);
}

/** The proxies of an environment, shown. Undefined when it sets none. */
export function shownProxies(environment: Environment, source: string): ProxySettings | undefined {
  const https = either(environment, 'HTTPS_PROXY');
  const http = either(environment, 'HTTP_PROXY');
  const no = either(environment, 'NO_PROXY');
  if (https === undefined && http === undefined && no === undefined) return undefined;
  return {
    source,
    ...(https === undefined ? {} : { https: redactUrl(https) }),
    ...(http === undefined ? {} : { http: redactUrl(http) }),
    ...(no === undefined ? {} : { no: no.slice(0, 500) }),
  };
}

/** Joins what is known of proxies; undefined when none is set anywhere. */
export function proxyEvidence(
  agent: ProxySettings | undefined,
  shell: ProxySettings | undefined,
  malformed: string | undefined,
): ProxyEvidence | undefined {
  if (agent === undefined && shell === undefined && malformed === undefined) return undefined;
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(shell === undefined ? {} : { shell }),
    ...(malformed === undefined ? {} : { malformed }),
  };
}
