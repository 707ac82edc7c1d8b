/**
 * The variables that decide where AWS tools send their calls, who they say they are and whom they trust: what
 * each must be for a server of ours, and how a shell gets its own back.
 */
import { type Connection, shellMarker } from '../context.ts';
import type { Environment } from '../io.ts';
import { hostOf } from '../url.ts';
import { type Change, isVariableName } from './shell.ts';

/** Prefix under which the values from before are kept. */
const saved = 'ROLLCALL_SAVED_';

/** Each names one file of roots; which one is read depends on the tool and its language. */
export const bundleVariables = [
  'AWS_CA_BUNDLE',
  'SSL_CERT_FILE',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'NODE_EXTRA_CA_CERTS',
] as const;

/** What would win over ours, or make a tool someone else. */
const hostile = [
  'SSL_CERT_DIR',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_ACCOUNT_ID',
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_ENDPOINT_URL_SSM',
  'AWS_ENDPOINT_URL_SSMMESSAGES',
  'AWS_ENDPOINT_URL_EC2MESSAGES',
  'AWS_ENDPOINT_URL_STS',
  'AWS_ENDPOINT_URL_IAM',
] as const;

/** Said aloud rather than unset, because the same could also stand in the default profile of a config file. */
const switchedOff = [
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
] as const;

const proxyExceptions = ['NO_PROXY', 'no_proxy'] as const;

/** Every variable of `env` that belongs to this, whether we set it or take it away, in a fixed order. */
export function managedNames(env: Environment): string[] {
  const dynamic = Object.keys(env).filter((name) => /^AWS_ENDPOINT_URL_/.test(name) && isVariableName(name));
  return [
    ...new Set([
      'AWS_ENDPOINT_URL',
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      ...bundleVariables,
      ...proxyExceptions,
      ...switchedOff,
      ...hostile,
      ...dynamic.sort(),
    ]),
  ];
}

/** What every managed variable must be for calls to arrive at the server; `undefined` is: not set. */
export function wanted(env: Environment, connection: Connection, bundle: string): Change[] {
  const set: Record<string, string> = {
    AWS_ENDPOINT_URL: connection.url,
    AWS_REGION: connection.region,
    AWS_DEFAULT_REGION: connection.region,
    AWS_ACCESS_KEY_ID: connection.accessKeyId,
    AWS_SECRET_ACCESS_KEY: connection.secretAccessKey,
  };
  for (const name of bundleVariables) set[name] = bundle;
  for (const name of switchedOff) set[name] = 'false';
  for (const [index, name] of proxyExceptions.entries()) {
    // Tools read one of the two spellings; who set only one meant both.
    const inherited = env[name] || env[proxyExceptions[1 - index] ?? name] || '';
    set[name] = withoutProxy(inherited, hostOf(connection.url));
  }
  return managedNames(env).map((name) => ({ name, value: set[name] }));
}

/** Takes a shell's variables to ours; its own are kept aside unless it has been taken already. */
export function turnOn(env: Environment, connection: Connection, bundle: string): Change[] {
  const keep: Change[] = [];
  if (!env[shellMarker]) {
    const names = managedNames(env);
    for (const stale of Object.keys(env))
      if (stale.startsWith(saved) && isVariableName(stale) && env[saved + stale] === undefined)
        if (!names.includes(stale.slice(saved.length)) || env[stale.slice(saved.length)] === undefined)
          keep.push({ name: stale, value: undefined });
    for (const name of names)
      if (env[name] !== undefined) keep.push({ name: saved + name, value: env[name] });
  } else {
    // Something new has been set since; it is the shell's own and comes back with the rest.
    for (const name of managedNames(env))
      if (/^AWS_ENDPOINT_URL_/.test(name) && env[name] !== undefined && env[saved + name] === undefined)
        keep.push({ name: saved + name, value: env[name] });
  }
  return [
    ...keep,
    ...wanted(original(env), connection, bundle),
    { name: shellMarker, value: connection.data ?? connection.url },
  ];
}

/** Gives a shell back what it had before {@link turnOn}; changes nothing in one that was never taken. */
export function turnOff(env: Environment): Change[] {
  if (!env[shellMarker]) return [];
  const before = original(env);
  const kept = Object.keys(env)
    .filter((name) => name.startsWith(saved) && isVariableName(name))
    .sort();
  const names = new Set([...managedNames(env), ...managedNames(before)]);
  return [
    ...[...names].map((name) => ({ name, value: before[name] })),
    ...kept.map((name) => ({ name, value: undefined })),
    { name: shellMarker, value: undefined },
  ];
}

/** The variables as they were before {@link turnOn}. Only managed names come back: nothing else is ours. */
export function original(env: Environment): Environment {
  if (!env[shellMarker]) return env;
  const before: Record<string, string | undefined> = { ...env };
  for (const name of managedNames(env)) delete before[name];
  const kept = Object.entries(env).filter(([name]) => name.startsWith(saved) && isVariableName(name));
  const candidates = Object.fromEntries(kept.map(([name, value]) => [name.slice(saved.length), value]));
  for (const name of managedNames(candidates))
    if (candidates[name] !== undefined) before[name] = candidates[name];
  return before;
}

/** A whole environment for a child process that is to speak to the server. */
export function environmentFor(
  env: Environment,
  connection: Connection,
  bundle: string,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) result[name] = value;
  for (const name of Object.keys(result)) if (/^AWS_ENDPOINT_URL_/.test(name)) delete result[name];
  for (const { name, value } of wanted(env, connection, bundle)) {
    if (value === undefined) delete result[name];
    else result[name] = value;
  }
  return result;
}

/** A `NO_PROXY` that has everything it had, and the server. */
export function withoutProxy(inherited: string, host: string): string {
  const entries = inherited
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.includes('*')) return inherited;
  return [...new Set([...entries, host, 'localhost', '127.0.0.1', '::1'])].join(',');
}
