/**
 * Everything that can be seen on a machine, in at most three seconds: its agents, its room, its network, and the
 * way to every endpoint that the agents' own settings lead to. Reads and connects, and changes nothing.
 */
import type {
  AgentEvidence,
  ClockEvidence,
  Collector,
  EndpointEvidence,
  HostEvidence,
  MetadataEvidence,
  NodeEvidence,
} from '@rollcall/diagnosis';
import { endpointsOf } from '@rollcall/diagnosis/collected';
import { withLimit } from './endpoints/limit.ts';
import { bareHost, type EndpointPlan, type Probed, probeEndpoint } from './endpoints/probe.ts';
import { goProxy, ownProxy, proxyEvidence, shownProxies } from './endpoints/proxies.ts';
import { fileTrust, goTrust, ownTrust, systemTrust } from './endpoints/trust.ts';
import { readHost } from './machine/host.ts';
import { readProcesses } from './machine/processes.ts';
import { readResources } from './machine/resources.ts';
import { openSight, type Sight, type SightOptions } from './machine/sight.ts';
import { readTimeService } from './machine/time-service.ts';
import { readMetadata } from './network/metadata.ts';
import { readNetwork, readResolvers } from './network/network.ts';
import { type OfficialAgent, readOfficialAgents } from './official/agents.ts';
import { defaultRoot, type OwnAgent, readOwnAgent } from './rollcall/agent.ts';

/** What to look at, and how. Everything but the first three is for tests and for whoever looks from elsewhere. */
export interface CollectOptions extends Omit<SightOptions, 'budget'> {
  /** The folder of our agent. */
  readonly root?: string | undefined;
  /** The server to try when no agent of ours says which one: `https://host:port`. */
  readonly server?: string | undefined;
  /** Whether the way to the service is tried; it is unless told. */
  readonly way?: boolean | undefined;
  /** `aws`: the machine belongs to a real AWS account; its endpoints are tried even without an agent. */
  readonly endpoint?: 'aws' | undefined;
  /** The region to try AWS's endpoints in when neither an agent nor the metadata tell it. */
  readonly region?: string | undefined;
  readonly by?: Collector | undefined;
  /** Milliseconds for everything; 2,900 unless told. */
  readonly budget?: number | undefined;
  /** Resolvers to ask directly, `address[:port]`, instead of those that the machine is set to. */
  readonly resolvers?: readonly string[] | undefined;
  /** How far this machine's clock is ahead, and by whose word: where the way isn't tried. */
  readonly clock?: Pick<ClockEvidence, 'aheadMs' | 'source'> | undefined;
  /** Where the metadata are; `false`: they aren't asked. */
  readonly metadata?: string | false | undefined;
}

const awsDomain =
  /\.(amazonaws\.com|amazonaws\.com\.cn|c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk|amazonaws\.eu)$/;

/** Looks at this machine. Never throws; what could not be seen is in `unseen`. */
export async function collectNode(options: CollectOptions = {}): Promise<NodeEvidence> {
  const unseen: { what: string; why: string }[] = [];
  const sight = openSight({ ...options, budget: options.budget ?? 2900 }, (what, why) => {
    if (unseen.length < 60) unseen.push({ what: what.slice(0, 200), why: why.slice(0, 200) });
  });
  const at = sight.now();

  /** A part that ends in time, or is noted as unseen. */
  const part = async <T>(what: string, work: Promise<T>): Promise<T | undefined> => {
    const outcome = await withLimit(work, sight.remaining());
    if ('value' in outcome) return outcome.value;
    sight.unseen(what, outcome.late ? 'it took too long' : `a fault of the probe: ${String(outcome.error)}`);
    return undefined;
  };

  const processes = await part('processes', readProcesses(sight));
  const host: HostEvidence =
    (await part('host', readHost(sight, processes?.bootAt))) ?? unknownHost(sight.platform);
  const metadata = memoized(() =>
    options.metadata === false
      ? Promise.resolve(undefined)
      : part('metadata', readMetadata(options.metadata ?? undefined)),
  );
  const isAmazon = /amazon/i.test(host.systemVendor ?? '') || /^ec2/i.test(host.systemUuid ?? '');
  const region = async () =>
    options.region ??
    (isAmazon || options.endpoint === 'aws' || options.metadata ? (await metadata())?.region : undefined);
  const [own, official = []] = await Promise.all([
    part('Rollcall agent', readOwnAgent(sight, host, processes, options.root ?? defaultRoot)),
    part('amazon-ssm-agent', readOfficialAgents(sight, host, processes, region)),
  ]);

  const plans =
    options.way === false
      ? []
      : ((await part('settings of the endpoints', planEndpoints(sight, options, own, official, region))) ??
        []);
  const resolvers = options.resolvers ?? (await readResolvers(sight)).servers;
  const wantsMetadata = isAmazon || options.endpoint === 'aws' || official.length > 0;
  const folders = [
    ...(own === undefined ? [] : [options.root ?? defaultRoot]),
    ...(official.length === 0 ? [] : ['/var/lib/amazon/ssm', '/var/log/amazon/ssm']),
  ];
  const orchestration = [
    ...official.flatMap((agent) => agent.orchestration),
    ...(own === undefined ? [] : [`${options.root ?? defaultRoot}/jobs`]),
  ];
  const [resources, network, answers, probed, ntp] = await Promise.all([
    sight.platform === 'linux'
      ? part('resources', readResources(sight, { folders, orchestration, processes }))
      : undefined,
    sight.platform === 'linux'
      ? part(
          'network',
          readNetwork(
            sight,
            plans.map(({ url }) => bareHost(url)),
          ),
        )
      : undefined,
    wantsMetadata ? metadata() : undefined,
    Promise.all(
      plans.map((plan) => part(`endpoint ${plan.url.host}`, probeEndpoint(sight, plan, resolvers))),
    ),
    part('clock service', readTimeService(sight, host.init)),
  ]);
  const tried = probed.filter((probe) => probe !== undefined);
  const proxy = await part('proxies', readProxies(sight, own, official, plans));
  const clock = joinClock(tried, options.clock, ntp, processes?.timeKeeper, host.timeZone);
  const agents: AgentEvidence[] = [
    ...(own === undefined ? [] : [own.evidence]),
    ...official.map(({ evidence }) => evidence),
  ];
  return {
    format: 1,
    at,
    by: options.by ?? 'doctor',
    privileged: sight.privileged,
    unseen,
    host,
    agents,
    endpoints: tried.map(({ evidence }): EndpointEvidence => evidence),
    ...(resources === undefined ? {} : { resources }),
    ...(clock === undefined ? {} : { clock }),
    ...(network === undefined ? {} : { network }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(answers === undefined ? {} : { metadata: answers satisfies MetadataEvidence }),
  };
}

async function planEndpoints(
  sight: Sight,
  options: CollectOptions,
  own: OwnAgent | undefined,
  official: readonly OfficialAgent[],
  region: () => Promise<string | undefined>,
): Promise<EndpointPlan[]> {
  const plans: EndpointPlan[] = [];
  if (own?.serverUrl !== undefined) {
    const url = new URL(own.serverUrl);
    plans.push({
      url,
      service: 'ssm',
      also: ['ssmmessages', 'ec2messages'],
      needed: true,
      agent: 'rollcall',
      proxy: ownProxy(own.proxy, own.noProxy, url),
      trust: await ownTrust(sight, own.trust, own.identityFile),
      aws: false,
      channels: true,
    });
  }
  // Several official agents share one configuration: the one that runs is asked for its environment.
  const leading = official.find(({ evidence }) => (evidence.processes?.length ?? 0) > 0) ?? official[0];
  const environment = leading?.environment?.values ?? {};
  let endpoints = leading?.endpoints ?? [];
  if (endpoints.length === 0 && options.endpoint === 'aws') {
    const known = leading?.region ?? (await region());
    endpoints = endpointsOf(known);
  }
  if (endpoints.length > 0) {
    const trust = await goTrust(sight, environment);
    const named = environment.AWS_CA_BUNDLE;
    const bundle = named ? await fileTrust(sight, named, 'AWS_CA_BUNDLE') : undefined;
    const byUrl = new Map<string, EndpointPlan>();
    for (const { service, url: text, needed } of endpoints) {
      if (text === undefined) {
        sight.unseen(`endpoint of ${service}`, 'the settings and the region make no address');
        continue;
      }
      const url = new URL(text);
      const before = byUrl.get(url.origin);
      byUrl.set(url.origin, {
        url,
        service: before?.service ?? service,
        also: before === undefined ? [] : [...before.also, service],
        needed: needed || (before?.needed ?? false),
        ...(leading === undefined ? {} : { agent: 'official' as const }),
        proxy: goProxy(environment, url),
        trust,
        bundle,
        aws: awsDomain.test(url.hostname),
        channels: service === 'ssmmessages' || (before?.channels ?? false),
      });
    }
    plans.push(...byUrl.values());
  }
  if (options.server !== undefined && URL.canParse(options.server)) {
    const url = new URL(options.server);
    if (url.protocol === 'https:' && !plans.some((plan) => plan.url.origin === url.origin))
      plans.push({
        url,
        service: 'ssm',
        also: ['ssmmessages', 'ec2messages'],
        // Another name of its server, or another server: it is tried as our agent would try it, which hasn't it
        // in its settings, so that whether it works doesn't hang on it.
        needed: own?.serverUrl === undefined,
        ...(own?.serverUrl === undefined
          ? { proxy: goProxy(sight.environment, url), trust: systemTrust() }
          : {
              proxy: ownProxy(own.proxy, own.noProxy, url),
              trust: await ownTrust(sight, own.trust, own.identityFile),
            }),
        aws: false,
        channels: true,
      });
  }
  return plans;
}

async function readProxies(
  sight: Sight,
  own: OwnAgent | undefined,
  official: readonly OfficialAgent[],
  plans: readonly EndpointPlan[],
): Promise<NodeEvidence['proxy']> {
  const leading = official.find(({ environment }) => environment !== undefined)?.environment;
  const ofOwn =
    own?.proxy === undefined
      ? undefined
      : shownProxies({ HTTPS_PROXY: own.proxy, NO_PROXY: own.noProxy?.join(',') }, 'config.json');
  const ofOfficial = leading && shownProxies(leading.values, leading.source);
  const malformed = plans
    .map(({ proxy }) => proxy)
    .find((proxy) => proxy !== undefined && 'problem' in proxy);
  return proxyEvidence(
    ofOwn ?? ofOfficial,
    (await readShellProxies(sight)) ?? undefined,
    malformed !== undefined && 'problem' in malformed ? malformed.problem : undefined,
  );
}

/** What a person's shell has: this process's own environment, or what files set for every login. */
async function readShellProxies(sight: Sight): Promise<ReturnType<typeof shownProxies>> {
  const own = shownProxies(sight.environment, 'environment');
  if (own !== undefined) return own;
  const scripts = ((await sight.list('/etc/profile.d', 200)) ?? []).filter((name) => name.endsWith('.sh'));
  const places = [
    '/etc/environment',
    '/etc/profile',
    ...scripts.sort().map((name) => `/etc/profile.d/${name}`),
  ];
  for (const path of places) {
    const text = await sight.text(path, 65_536);
    const found: Record<string, string> = {};
    const form = /^\s*(?:export\s+)?((?:https?|no)_proxy)=(["']?)([^"'\s;]*)\2/gim;
    for (const match of text?.matchAll(form) ?? []) found[match[1]!] = match[3]!;
    const shown = shownProxies(found, path);
    if (shown !== undefined) return shown;
  }
  return undefined;
}

function joinClock(
  probed: readonly Probed[],
  known: CollectOptions['clock'],
  synchronized: boolean | undefined,
  service: ClockEvidence['service'],
  timeZone: string | undefined,
): ClockEvidence | undefined {
  const clocks = probed.flatMap(({ clock }) => (clock === undefined ? [] : [clock]));
  // An answer over a connection that isn't trusted counts only when there is no other.
  const best = clocks.find(({ source }) => source?.includes('not trusted') !== true) ?? known ?? clocks[0];
  const clock = {
    ...best,
    ...(synchronized === undefined ? {} : { synchronized }),
    ...(service === undefined ? {} : { service }),
    ...(timeZone === undefined ? {} : { timeZone }),
  };
  return Object.keys(clock).length === 0 ? undefined : clock;
}

function unknownHost(platform: NodeJS.Platform): HostEvidence {
  const name = platform === 'linux' ? 'Linux' : platform === 'darwin' ? 'MacOS' : 'other';
  return {
    name: '',
    os: { id: '', name: '', version: '' },
    platform: name,
    kernel: '',
    arch: '',
    addresses: [],
    macs: [],
  };
}

function memoized<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
