/** What is known of each gate where no cause was found: passed, with what shows it, or not seen. */
import type { Facts } from './facts/index.ts';
import { layers } from './facts/index.ts';
import type { Gate } from './verdict.ts';

/** One gate, and the text of the catalogue with its slots. */
export interface GateView {
  readonly state: 'passed' | 'unknown';
  readonly text: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Looks at one gate. */
export function gateView(gate: Gate, facts: Facts): GateView {
  return views[gate](facts);
}

const views: Readonly<Record<Gate, (facts: Facts) => GateView>> = {
  scope: ({ request, agent, node, records }) => {
    const region = request?.region ?? agent?.identity?.region ?? agent?.configuration?.region;
    const server = agent?.identity?.server;
    return view(request ?? node ?? records, 'scope', { region, server });
  },
  machine: (facts) => {
    const { node } = facts;
    const seen = node?.resources?.disks && node.resources.disks.length > 0;
    const disk = node?.resources?.disks[0];
    const parameters = {
      os: node && `${node.host.os.name} ${node.host.os.version}`.trim(),
      uptime: node?.host.bootAt === undefined ? undefined : String(Math.max(0, node.at - node.host.bootAt)),
      free:
        disk && disk.totalBytes > 0
          ? String(Math.round((disk.freeBytes / disk.totalBytes) * 100))
          : undefined,
      skew: node?.clock?.aheadMs === undefined ? undefined : String(node.clock.aheadMs),
    };
    return seen ? view(true, 'machine', parameters) : inferred(facts, 'machine', parameters);
  },
  agent: (facts) => {
    const { agent, running, process, row } = facts;
    const parameters = {
      agent: agent
        ? agentName(agent.kind, agent.version)
        : row && `${row.agentName ?? ''} ${row.agentVersion ?? ''}`.trim(),
      user: process?.user,
      enabled: agent?.service?.enabled ? 'yes' : undefined,
      restarts: agent?.service?.restarts === undefined ? undefined : String(agent.service.restarts),
    };
    if (facts.node && !agent && !facts.through) return view(false, 'no-agent', {});
    return running.length > 0 ? view(true, 'agent', parameters) : inferred(facts, 'agent', parameters);
  },
  identity: (facts) => {
    const { agent, row } = facts;
    const identity = agent?.identity;
    const parameters = {
      nodeId: identity?.nodeId ?? row?.nodeId,
      since: asText(identity?.registeredAt ?? row?.registeredAt),
    };
    if (identity?.kind === 'none')
      return triesToRegister(facts) ? view(true, 'registering', {}) : view(false, 'no-registration', {});
    if (facts.node && !agent && !facts.through) return view(false, 'no-agent', {});
    const isWhole = identity !== undefined && (identity.damage ?? []).length === 0;
    return isWhole ? view(true, 'identity', parameters) : inferred(facts, 'identity', parameters);
  },
  path: (facts) => {
    const { path, node, channelOpen } = facts;
    const proxy = node?.proxy?.agent?.https ?? node?.proxy?.agent?.http;
    const onlyChannel = path?.fault?.layer === 'websocket' && channelOpen;
    const times = (path?.needed ?? []).flatMap((one) =>
      one.tcp?.ok && one.tcp.ms !== undefined ? [one.tcp.ms] : [],
    );
    const parameters = {
      count: path && String(path.needed.length),
      proxy,
      direct: path && proxy === undefined ? 'yes' : undefined,
      ms: times.length > 0 ? String(Math.max(1, Math.round(Math.max(...times)))) : undefined,
    };
    return path?.works || onlyChannel ? view(true, 'path', parameters) : inferred(facts, 'path', parameters);
  },
  authorization: (facts) => {
    const accepted = facts.row?.lastPing ?? facts.agent?.status?.lastHeartbeatAt;
    return view(facts.through, 'authorization', { at: asText(accepted) });
  },
  freshness: ({ through, channelOpen, row, agent }) => {
    const parameters = {
      heartbeat: asText(row?.lastPing ?? agent?.status?.lastHeartbeatAt),
      channel: channelOpen ? asText(row?.channelOpenedAt ?? agent?.status?.channelOpenSince) : undefined,
      polling: row?.polling ? 'yes' : undefined,
    };
    return view(through && (channelOpen !== false || row?.polling), 'freshness', parameters);
  },
};

/** Where the way broke, layer by layer: `ok VALUE` or `stop VALUE`, for the block of the failed gate. */
export function layersOf({ path }: Facts): Readonly<Record<string, string>> {
  const fault = path?.fault;
  if (!fault) return {};
  const { endpoint } = fault;
  const shown: Record<string, string> = { url: endpoint.url };
  for (const layer of layers) {
    const seen = endpoint[layer];
    if (layer === fault.layer) {
      shown[layer] = `stop ${fault.error}${fault.detail === undefined ? '' : `: ${fault.detail}`}`;
      break;
    }
    if (seen?.ok) shown[layer] = `ok ${describe(layer, endpoint)}`.trim();
  }
  return shown;
}

function describe(
  layer: (typeof layers)[number],
  endpoint: NonNullable<Facts['path']>['needed'][number],
): string {
  if (layer === 'name') return endpoint.name?.addresses?.slice(0, 2).join(' ') ?? '';
  if (layer === 'route') return endpoint.route?.device ?? '';
  if (layer === 'tcp')
    return endpoint.tcp?.ms === undefined ? '' : `${Math.max(1, Math.round(endpoint.tcp.ms))} ms`;
  if (layer === 'proxy') return endpoint.proxy?.proxy ?? '';
  if (layer === 'tls') return endpoint.tls?.version ?? '';
  if (layer === 'http') return endpoint.http?.status === undefined ? '' : String(endpoint.http.status);
  return '';
}

/** The agent's name as its packages have it, with the version. */
export function agentName(kind: 'rollcall' | 'official', version: string | undefined): string {
  return `${kind === 'official' ? 'amazon-ssm-agent' : 'rollcall-agent'} ${version ?? ''}`.trim();
}

/** What got through to the service has passed everything before it. */
function inferred(
  facts: Facts,
  text: 'machine' | 'agent' | 'identity' | 'path',
  parameters: Readonly<Record<string, string | undefined>>,
): GateView {
  if (facts.through)
    return view(true, Object.values(parameters).some(Boolean) ? text : 'by-heartbeat', parameters);
  const call = facts.attempts.find(
    ({ proof, layer }) => proof === 'proven' && layer !== 'tcp' && layer !== 'tls',
  );
  if (call && call.lastAt > facts.now - 90 * 60_000)
    return view(true, 'by-call', { at: String(call.lastAt), address: call.address });
  return view(false, facts.node ? `${text}-partly` : 'not-seen', parameters);
}

function triesToRegister(facts: Facts): boolean {
  return (
    facts.attempts.some(({ reason }) => /^(activation-|registration-)/.test(reason)) ||
    facts.lines.some(({ text }) =>
      /ActivationExpired|RegistrationLimitExceeded|InvalidActivation|AlreadyRegistered/.test(text),
    )
  );
}

function view(
  isPassed: unknown,
  text: string,
  parameters: Readonly<Record<string, string | undefined>>,
): GateView {
  const known = Object.entries(parameters).filter(
    (one): one is [string, string] => one[1] !== undefined && one[1] !== '',
  );
  return { state: isPassed ? 'passed' : 'unknown', text, parameters: Object.fromEntries(known) };
}

function asText(time: number | undefined): string | undefined {
  return time === undefined ? undefined : String(time);
}
