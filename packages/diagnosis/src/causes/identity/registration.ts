/** Whose the registration is, and whether it is this machine's. */
import type { FleetEvidence } from '../../evidence/index.ts';
import { attemptFor, hostOf, lineSaying, observe, observeAttempt, observeLine } from '../../facts/index.ts';
import { byOperator } from '../../fixes/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

const registrationRefusals =
  /ActivationExpired|RegistrationLimitExceeded|InvalidActivation|PublicKeyAlreadyRegistered|InstanceAlreadyRegistered/;

/** Whether the server is one of ours; undefined when we don't know our names. */
function isOurs(server: string, fleet: FleetEvidence | undefined): boolean | undefined {
  const names = [
    ...(fleet?.publicUrls ?? []).map((url) => hostOf({ url }).host),
    ...(fleet?.certificate?.names ?? []),
  ];
  if (names.length === 0) return undefined;
  const { host } = hostOf({ url: server });
  return names.some((name) => matches(host, name.toLowerCase()));
}

/** Whether a host is covered by a name of a certificate, wildcards included. */
function matches(host: string, name: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  if (bare === name) return true;
  return (
    name.startsWith('*.') && bare.endsWith(name.slice(1)) && !bare.slice(0, -name.length + 1).includes('.')
  );
}

const registeredElsewhere: Cause = {
  id: 'registered-elsewhere',
  gate: 'identity',
  solution: 5,
  breaks: 'listed',
  near: ['wrong-region', 'stale-hybrid-registration', 'agent-not-registered'],
  decide({ node, agent, fleet }) {
    if (!node || !agent?.identity) return unknown;
    const { identity } = agent;
    if (identity.server === undefined || identity.kind === 'none')
      return identity.kind === 'none' ? excluded : unknown;
    const ours = isOurs(identity.server, fleet);
    if (ours === undefined) return unknown;
    if (ours) return excluded;
    return proven(
      [
        observe('node', 'agent', 'registered-at', identity.server, identity.registeredAt),
        observe('node', 'agent', 'node-id', identity.nodeId ?? '?', identity.registeredAt),
      ],
      { server: identity.server, nodeId: identity.nodeId ?? '?', region: identity.region ?? '?' },
    );
  },
  en: {
    name: 'registered with another server',
    because: 'it is registered with {server} (as {nodeId}), not here',
    explain:
      'Find out who registered it there: an agent that obeys a stranger is a way in. If it is yours, enrol it here: rollcall enroll.',
    about:
      "The agent's own registration leads to another server, account or region. It is well, and in somebody else's list.",
  },
  ja: {
    name: '別のサーバーに登録済み',
    because: 'ここではなく {server} に（{nodeId} として）登録されている',
    explain:
      '誰がそこに登録したかを確認してください。他人に従うエージェントは侵入口になります。自分のマシンなら rollcall enroll でこちらに登録します。',
    about:
      'エージェント自身の登録先が、別のサーバー、アカウント、リージョンになっています。正常に動き、よその一覧に出ています。',
  },
};

const notRegistered: Cause = {
  id: 'agent-not-registered',
  gate: 'identity',
  solution: 1,
  breaks: 'listed',
  near: ['registered-elsewhere', 'activation-expired', 'no-instance-profile'],
  decide(facts) {
    const { node, agent } = facts;
    if (!node || !agent?.identity) return unknown;
    if (agent.identity.kind !== 'none') return excluded;
    if ((agent.identity.damage ?? []).length > 0) return unknown;
    // It did try, and was refused: that is why it isn't registered.
    const refused = attemptFor(
      facts,
      'activation-expired',
      'activation-limit-reached',
      'activation-invalid',
      'registration-key-conflict',
    );
    if (refused || lineSaying(facts, registrationRefusals)) return unknown;
    // On EC2 the agent needs no registration, but a role.
    if (
      agent.kind === 'official' &&
      (node.metadata?.isImds || /amazon ec2/i.test(node.host.systemVendor ?? ''))
    )
      return unknown;
    return proven([observe('node', 'agent', 'registration', 'none', node.at)]);
  },
  // What was seen is of a machine that isn't registered; the node is. They may be two.
  warns: ({ agent, row, through }) =>
    through && row && agent?.identity?.kind === 'none' ? { nodeId: row.nodeId } : undefined,
  fix() {
    const line = byOperator('rollcall', 'activation', 'create');
    return line && { risk: 'guarded', commands: [line], withinSeconds: 120 };
  },
  en: {
    name: 'never registered',
    because: 'its agent was never registered with a server',
    fix: 'makes an activation and prints the lines that enrol machines with it',
    explain:
      'Make an activation (rollcall activation create), and run the line that it prints on the machine.',
    about:
      'The agent is installed, and has no registration: it was never enrolled, or its state was deleted.',
    warning:
      'What was seen on the machine has no registration: only its name or address ties it to {nodeId}.',
  },
  ja: {
    name: '未登録',
    because: 'エージェントがまだどのサーバーにも登録されていない',
    fix: 'アクティベーションを作り、マシンを登録するためのコマンドを表示します',
    explain:
      'rollcall activation create でアクティベーションを作り、表示されたコマンドをマシンで実行してください。',
    about:
      'エージェントは入っていますが登録情報がありません。一度も登録されていないか、状態が削除されました。',
    warning: 'マシン上に登録情報がなく、{nodeId} との結び付きは名前かアドレスだけです。',
  },
};

const staleRegistration: Cause = {
  id: 'stale-hybrid-registration',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['deregistered', 'registered-elsewhere', 'fingerprint-changed'],
  decide(facts) {
    const { node, agent, records, row, fleet } = facts;
    const id = agent?.identity?.nodeId;
    const line = lineSaying(facts, /Not existing InstanceId|InvalidInstanceId/);
    const refused = attemptFor(facts, 'unknown-node', 'node-deregistered');
    if (row) return excluded;
    if (node && id !== undefined && /^mi-/.test(id)) {
      const seen = [observe('node', 'agent', 'node-id', id, agent?.identity?.registeredAt)];
      if (line) return proven([...seen, observeLine(line)], { nodeId: id });
      const server = agent?.identity?.server;
      const isHere = server !== undefined && isOurs(server, fleet) === true;
      const isOther = records !== undefined && records.node?.nodeId !== id;
      if (isHere && isOther && refused) return proven([...seen, observeAttempt(refused)], { nodeId: id });
      return unknown;
    }
    if (refused && records?.node === undefined)
      return likely('only-claimed', [observeAttempt(refused)], { nodeId: refused.claim ?? '?' });
    return node && agent?.identity ? excluded : unknown;
  },
  en: {
    name: 'registration that the server does not know',
    because: 'its agent uses the registration {nodeId}, which the server does not know any more',
    explain:
      'Register it anew: make an activation (rollcall activation create) and enrol. With the official agent clear the old registration first; its key is lost by that.',
    about:
      'The agent still has a key of a node that was deregistered for good, or that is missing in a restored backup. Installing the package again keeps that key, and does not help.',
  },
  ja: {
    name: 'サーバーにない登録情報',
    because: 'エージェントの使っている登録 {nodeId} を、サーバーがもう知らない',
    explain:
      '登録し直してください（rollcall activation create のあと登録）。公式エージェントでは先に古い登録を消します（鍵は失われます）。',
    about:
      '完全に登録解除されたノード、または復元したバックアップにないノードの鍵を、エージェントがまだ使っています。パッケージを入れ直しても鍵は残るため直りません。',
  },
};

const containerMode: Cause = {
  id: 'identity-order-wrong',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['agent-not-registered', 'registered-elsewhere'],
  decide({ node, agent }) {
    if (!node || !agent?.configuration) return unknown;
    if (agent.kind !== 'official') return excluded;
    const { containerMode: container, identityOrder: order } = agent.configuration;
    const kind = agent.identity?.kind;
    const needed = kind === 'activation' ? 'OnPrem' : kind === 'ec2' ? 'EC2' : undefined;
    const misses = order !== undefined && order.length > 0 && needed !== undefined && !order.includes(needed);
    if (container !== true && !misses) return excluded;
    const file = agent.configuration.files[0]?.path ?? 'amazon-ssm-agent.json';
    const shown = container ? 'ContainerMode true' : `ConsumptionOrder ${order?.join(' ')}`;
    return proven([observe('node', file, 'setting', shown, agent.configuration.files[0]?.changedAt)], {
      setting: shown,
      path: file,
    });
  },
  en: {
    name: 'agent told to be somebody else',
    because: 'its configuration ({setting}) makes the agent ignore its own registration',
    explain: 'Take that setting out of {path}, and restart the agent.',
    about:
      'ContainerMode, or an order of identities without the one that the machine has: the agent finds no identity, or another.',
  },
  ja: {
    name: '身元の設定の誤り',
    because: '設定（{setting}）のため、エージェントが自分の登録を無視している',
    explain: '{path} からこの設定を外し、エージェントを再起動してください。',
    about:
      'ContainerMode が有効か、身元の優先順にこのマシンのものがありません。エージェントは身元を見つけられないか、別のものを使います。',
  },
};

/** In the order in which they count. */
export const registration: readonly Cause[] = [
  containerMode,
  registeredElsewhere,
  staleRegistration,
  notRegistered,
];
