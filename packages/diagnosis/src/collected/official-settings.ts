/**
 * The official agent's settings, and the endpoints that they lead it to. Facts: amazon-ssm-agent 3.3, its
 * `appconfig` and its endpoint rules. Reading the files is left to whoever can.
 */
import type { AgentConfigurationEvidence } from '../evidence/index.ts';
import { redactText } from './redact-text.ts';

/** Where its settings are read. */
export const settingsFile = '/etc/amazon/ssm/amazon-ssm-agent.json';

/** An address that the agent calls. */
export interface OfficialEndpoint {
  readonly service: 'ssm' | 'ssmmessages' | 'ec2messages';
  /** `https://host[:port]`; undefined when the settings make none. */
  readonly url?: string;
  readonly needed: boolean;
}

/** What was read. */
export interface OfficialSettings {
  readonly evidence: AgentConfigurationEvidence;
  /** The address of a service in a region, as the agent would make it. */
  endpoints(region: string | undefined, version: string | undefined): readonly OfficialEndpoint[];
}

/** The files as they were found. */
export interface SettingsFiles {
  readonly path: string;
  /** Undefined: there is no such file. */
  readonly text: string | undefined;
  readonly changedAt?: number | undefined;
  /** The template that lies beside, which nothing reads. */
  readonly template?: string | undefined;
}

/** Services' domains, by how a region's name begins. */
const domains: readonly (readonly [string, string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['eusc-de-', 'amazonaws.eu'],
];

type Section = Readonly<Record<string, unknown>>;

/** Reads the settings. */
export function readOfficialSettings(found: SettingsFiles): OfficialSettings {
  const { path, text, changedAt, template } = found;
  const files: { path: string; problem?: string; changedAt?: number }[] = [];
  let settings: Section = {};
  if (text !== undefined) {
    const { value, problem: broken } = parse(text);
    settings = value;
    const problem = broken ?? problemIn(settings);
    files.push({
      path,
      ...(changedAt === undefined ? {} : { changedAt }),
      ...(problem === undefined ? {} : { problem }),
    });
  }
  const onlyTemplateEdited = text === undefined && template !== undefined && isTemplateEdited(template);
  const section = (name: string) => sectionOf(settings, name);
  const word = (name: string, key: string) => wordOf(section(name), key);
  const domain = word('Agent', 'ServiceDomain');
  const overrides: Record<string, string> = {};
  for (const name of ['Ssm', 'Mds', 'Mgs', 'S3', 'Kms']) {
    const endpoint = word(name, 'Endpoint');
    if (endpoint !== undefined) overrides[`${name}.Endpoint`] = redactText(endpoint, 300);
  }
  const order = section('Identity').ConsumptionOrder;
  const minutes = section('Ssm').HealthFrequencyMinutes;
  const region = word('Agent', 'Region');
  return {
    evidence: {
      files,
      ...(region === undefined ? {} : { region: redactText(region, 100) }),
      ...(domain === undefined ? {} : { serviceDomain: redactText(domain, 253) }),
      ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
      ...(typeof minutes === 'number' ? { healthMinutes: minutes >= 5 && minutes <= 60 ? minutes : 5 } : {}),
      ...(Array.isArray(order) && order.every((kind) => typeof kind === 'string')
        ? { identityOrder: order.slice(0, 8).map((kind) => redactText(kind, 40)) }
        : {}),
      ...(section('Agent').ContainerMode === true ? { containerMode: true } : {}),
      ...(onlyTemplateEdited ? { onlyTemplateEdited: true } : {}),
    },
    endpoints: (identityRegion, version) => makeEndpoints(settings, identityRegion, version),
  };
}

/** The endpoints of an agent that nothing was set for. */
export function endpointsOf(region: string | undefined): readonly OfficialEndpoint[] {
  return makeEndpoints({}, region, undefined);
}

function makeEndpoints(
  settings: Section,
  region: string | undefined,
  version: string | undefined,
): readonly OfficialEndpoint[] {
  const word = (name: string, key: string) => wordOf(sectionOf(settings, name), key);
  const domain = word('Agent', 'ServiceDomain');
  const host = (service: string) => hostOf(service, region, domain);
  const whole = (name: string, service: string) => {
    const given = word(name, 'Endpoint');
    return given === undefined ? host(service) : urlOf(given);
  };
  const channels = word('Mgs', 'Endpoint');
  const messages = whole('Mds', 'ec2messages');
  const control = channels === undefined ? host('ssmmessages') : channelUrlOf(channels);
  const ssm = whole('Ssm', 'ssm');
  return [
    { service: 'ssm', needed: true, ...(ssm === undefined ? {} : { url: ssm }) },
    { service: 'ssmmessages', needed: true, ...(control === undefined ? {} : { url: control }) },
    {
      service: 'ec2messages',
      // From 3.3.40 on it is left alone once the channel is open.
      needed: version !== undefined && isBefore(version, '3.3.40'),
      ...(messages === undefined ? {} : { url: messages }),
    },
  ];
}

function hostOf(service: string, region: string | undefined, domain: string | undefined): string | undefined {
  if (region === undefined || !/^[A-Za-z0-9-]{1,100}$/.test(region)) return undefined;
  const known = domains.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com';
  return cleanUrl(`https://${service}.${region}.${domain ?? known}`);
}

function urlOf(endpoint: string): string | undefined {
  return cleanUrl(/^[a-z]+:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`);
}

/** Of `host:port` without a scheme the agent's reader makes no host at all. */
function channelUrlOf(endpoint: string): string | undefined {
  if (/^[a-z]+:\/\//i.test(endpoint)) return cleanUrl(endpoint.replace(/^[a-z]+:/i, 'https:'));
  return endpoint.includes(':') ? undefined : cleanUrl(`https://${endpoint}`);
}

function cleanUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.hostname === '' ? undefined : `${url.protocol}//${url.host}`;
}

function parse(text: string): { value: Section; problem?: string } {
  try {
    const value = JSON.parse(text.replace(/^\ufeff/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value };
    return { value: {}, problem: 'not a JSON object' };
  } catch (error) {
    // The parser quotes what it stumbled over, which may be anything.
    const where = /position \d+( \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0];
    return { value: {}, problem: `not JSON${where === undefined ? '' : `: ${where}`}` };
  }
}

/** What the agent reads without a word, and then can't use. */
function problemIn(settings: Section): string | undefined {
  const region = wordOf(sectionOf(settings, 'Agent'), 'Region');
  if (region !== undefined && !/^[A-Za-z0-9-]{1,100}$/.test(region))
    return 'Agent.Region has characters that no region has';
  for (const name of ['Ssm', 'Mds', 'Mgs']) {
    const endpoint = wordOf(sectionOf(settings, name), 'Endpoint');
    if (endpoint === undefined) continue;
    if ((name === 'Mgs' ? channelUrlOf(endpoint) : urlOf(endpoint)) === undefined)
      return `${name}.Endpoint leads nowhere: it needs the form https://host:port`;
  }
  return undefined;
}

/** The template is what packages bring. As it comes, it names no region and no endpoint. */
function isTemplateEdited(text: string): boolean {
  const { value } = parse(text);
  const named = [
    ['Agent', 'Region'],
    ['Agent', 'ServiceDomain'],
    ...['Ssm', 'Mds', 'Mgs', 'S3', 'Kms'].map((name) => [name, 'Endpoint']),
  ] as const;
  return named.some(([name, key]) => wordOf(sectionOf(value, name!), key!) !== undefined);
}

/** Go finds a member whatever its letters' case. */
function memberOf(value: Section, name: string): unknown {
  if (name in value) return value[name];
  const found = Object.keys(value).find((key) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : value[found];
}

function sectionOf(settings: Section, name: string): Section {
  const section = memberOf(settings, name);
  return typeof section === 'object' && section !== null && !Array.isArray(section)
    ? (section as Section)
    : {};
}

function wordOf(section: Section, key: string): string | undefined {
  const value = memberOf(section, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Whether a version of numbers and dots comes before another. */
export function isBefore(version: string, other: string): boolean {
  const one = version.split(/[.-]/).map(Number);
  const two = other.split('.').map(Number);
  for (let index = 0; index < two.length; index += 1) {
    const difference = (one[index] ?? 0) - two[index]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
