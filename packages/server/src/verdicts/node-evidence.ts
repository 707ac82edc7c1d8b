/**
 * What a machine says of itself, read at the door: JSON from a doctor, an agent or the script. Members that are
 * known must have their type; others are left out. It speaks of that machine only, so it needs no more trust.
 */
import type { NodeEvidence } from '@rollcall/diagnosis';
import { Refusal } from '../service/index.ts';

/** A reader: answers the value, or throws with where it is wrong. */
type Read = (value: unknown, at: string) => unknown;

class Wrong extends Error {}

const longestText = 8_000;
const longestList = 2_000;

const text: Read = (value, at) => {
  if (typeof value !== 'string') throw new Wrong(`${at} must be a text`);
  return value.slice(0, longestText);
};
const number: Read = (value, at) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Wrong(`${at} must be a number`);
  return value;
};
const flag: Read = (value, at) => {
  if (typeof value !== 'boolean') throw new Wrong(`${at} must be true or false`);
  return value;
};
const list =
  (of: Read): Read =>
  (value, at) => {
    if (!Array.isArray(value)) throw new Wrong(`${at} must be a list`);
    return value.slice(0, longestList).map((item, index) => of(item, `${at}[${index}]`));
  };
/** An object of texts by any name. */
const texts: Read = (value, at) => {
  const entries = Object.entries(objectOf(value, at)).slice(0, longestList);
  return Object.fromEntries(entries.map(([name, one]) => [name, text(one, `${at}.${name}`)]));
};

/** Members whose name ends in `!` must be there. */
const object =
  (members: Readonly<Record<string, Read>>): Read =>
  (value, at) => {
    const given = objectOf(value, at);
    const read: Record<string, unknown> = {};
    for (const [name, of] of Object.entries(members)) {
      const bare = name.replace(/!$/, '');
      const one = Object.hasOwn(given, bare) ? given[bare] : undefined;
      if (one !== undefined && one !== null) read[bare] = of(one, `${at}.${bare}`);
      else if (bare !== name) throw new Wrong(`${at}.${bare} is missing`);
    }
    return read;
  };

function objectOf(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Wrong(`${at} must be an object`);
  return value as Readonly<Record<string, unknown>>;
}

const layer = (facts: Readonly<Record<string, Read>>) =>
  object({ 'ok!': flag, ms: number, error: text, detail: text, ...facts });

const route = object({ via: text, 'device!': text });
const proxySettings = object({ 'source!': text, https: text, http: text, no: text });
const trustStore = object({
  'path!': text,
  'readable!': flag,
  hasRoot: flag,
  changedAt: number,
  count: number,
  by: text,
  awsRoots: list(object({ 'name!': text, 'present!': flag })),
});

const service = object({
  'manager!': text,
  'name!': text,
  'active!': flag,
  'state!': text,
  enabled: flag,
  masked: flag,
  restarts: number,
  lastExit: object({ code: number, signal: text, at: number }),
  user: text,
  environment: texts,
});

const agentProcess = object({
  'pid!': number,
  'name!': text,
  exe: text,
  state: text,
  user: text,
  startedAt: number,
  environment: texts,
  openFiles: object({ 'count!': number, 'limit!': number }),
  container: flag,
});

const identity = object({
  'kind!': text,
  nodeId: text,
  region: text,
  server: text,
  registeredAt: number,
  damage: list(text),
  ec2Id: text,
  fingerprint: object({
    'matches!': flag,
    'changed!': list(object({ 'field!': text, 'was!': text, 'is!': text })),
    threshold: number,
  }),
  running: object({ 'nodeId!': text, 'kind!': text }),
  credentials: object({ source: text, expiresAt: number }),
  witness: object({ machineId: text, 'same!': flag }),
});

const agent = object({
  'kind!': text,
  'packaging!': text,
  binary: text,
  version: text,
  snapChannel: text,
  service,
  processes: list(agentProcess),
  identity,
  configuration: object({
    'files!': list(object({ 'path!': text, problem: text, changedAt: number })),
    region: text,
    serviceDomain: text,
    overrides: texts,
    healthMinutes: number,
    identityOrder: list(text),
    containerMode: flag,
    onlyTemplateEdited: flag,
  }),
  log: object({
    'path!': text,
    lastAt: number,
    'lines!': list(object({ at: number, level: text, 'text!': text })),
  }),
  waiting: object({ 'until!': number, 'reason!': text, 'source!': text }),
  status: object({
    'state!': text,
    'at!': number,
    lastHeartbeatAt: number,
    lastHeartbeatOk: flag,
    lastError: text,
    channelOpenSince: number,
  }),
});

const resources = object({
  'disks!': list(
    object({
      'path!': text,
      'mount!': text,
      'freeBytes!': number,
      'totalBytes!': number,
      freeInodes: number,
      totalInodes: number,
      readOnly: flag,
      noexec: flag,
      write: text,
    }),
  ),
  memory: object({
    'totalBytes!': number,
    'availableBytes!': number,
    kills: list(object({ at: number, 'process!': text })),
  }),
  pressure: object({ cpu: number, memory: number, io: number }),
  load: number,
  cores: number,
  inotify: object({ instances: number, maxInstances: number, watches: number, maxWatches: number }),
  files: object({ 'open!': number, 'max!': number }),
  processes: object({ 'count!': number, 'max!': number }),
  orchestrationEntries: number,
  security: object({ selinux: text, apparmor: flag, denials: list(text) }),
});

const endpoint = object({
  'url!': text,
  agent: text,
  also: list(text),
  direct: layer({ address: text }),
  'service!': text,
  'needed!': flag,
  name: layer({ addresses: list(text), direct: list(text), resolver: text }),
  route: layer({ device: text, via: text, source: text }),
  tcp: layer({ address: text, port: number }),
  proxy: layer({ proxy: text, status: number }),
  tls: layer({
    version: text,
    subject: text,
    issuer: text,
    fingerprint: text,
    names: list(text),
    notBefore: number,
    notAfter: number,
    root: text,
    rootSubject: text,
    rootSelfSigned: flag,
    store: trustStore,
    bundle: trustStore,
  }),
  http: layer({ status: number, isService: flag, server: text, body: text, date: number, location: text }),
  websocket: layer({ status: number }),
});

const evidence = object({
  'format!': number,
  'at!': number,
  heldMs: number,
  'by!': text,
  'privileged!': flag,
  'unseen!': list(object({ 'what!': text, 'why!': text })),
  'host!': object({
    'name!': text,
    'os!': object({ 'id!': text, 'name!': text, 'version!': text }),
    'platform!': text,
    'kernel!': text,
    'arch!': text,
    libc: object({ 'kind!': text, 'version!': text }),
    bootAt: number,
    bootId: text,
    machineId: text,
    systemUuid: text,
    systemVendor: text,
    'addresses!': list(text),
    'macs!': list(text),
    init: text,
    container: flag,
    timeZone: text,
    listens: list(number),
    imageState: text,
    fips: flag,
  }),
  'agents!': list(agent),
  resources,
  clock: object({ aheadMs: number, source: text, synchronized: flag, service: text, timeZone: text }),
  network: object({
    defaultRoute4: route,
    defaultRoute6: route,
    'resolvers!': list(text),
    searchDomains: list(text),
    nameSources: list(text),
    hostsEntries: list(text),
    firewall: object({ 'kind!': text, outputPolicy: text, answersDropped: text, 'rules!': list(text) }),
    'interfaces!': list(object({ 'name!': text, 'up!': flag, 'addresses!': list(text), mtu: number })),
  }),
  proxy: object({ agent: proxySettings, shell: proxySettings, malformed: text }),
  'endpoints!': list(endpoint),
  metadata: object({
    'answers!': flag,
    isImds: flag,
    instanceId: text,
    region: text,
    version: number,
    role: text,
    detail: text,
  }),
});

/** Reads the evidence of a machine. Throws the refusal `ValidationException`, which says what is wrong with it. */
export function readNodeEvidence(json: string): NodeEvidence {
  try {
    if (/(?:[[{]\s*(?:"[^"\\]*"\s*:\s*)?){100}/.test(json)) throw new Wrong('it is nested too deep');
    const value: unknown = JSON.parse(json);
    const { format } = objectOf(value, 'it');
    if (format !== 1) throw new Wrong(`format must be 1, which is what this server reads`);
    return evidence(value, 'evidence') as NodeEvidence;
  } catch (error) {
    const why = error instanceof Wrong ? error.message : 'it is not JSON, or ends too early';
    throw new Refusal('ValidationException', `Evidence can't be read: ${why}.`);
  }
}
