/** Machines of EC2: the metadata address, and whose metadata it is. */

import type { Facts } from '../../facts/index.ts';
import { isOnEc2, lineSaying, observe, observeLine } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

/** Whether the official agent here depends on the metadata address. Undefined: not known. */
function needsMetadata(facts: Facts): boolean | undefined {
  const { node, agent } = facts;
  if (!node || !agent) return undefined;
  if (agent.kind !== 'official') return false;
  const kind = agent.identity?.kind;
  if (kind === 'activation') return false;
  if (kind === 'ec2') return true;
  return isOnEc2(facts);
}

function proxyCaptures(facts: Facts): boolean {
  const proxy = facts.node?.proxy?.agent;
  if (!proxy || (proxy.http === undefined && proxy.https === undefined)) return false;
  return !(proxy.no ?? '')
    .split(/[\s,]+/)
    .some((one) => one === '*' || one.includes('169.254.169.254') || one === '169.254.0.0/16');
}

const linkLocalHijack: Cause = {
  id: 'link-local-hijack',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['imds-blocked-locally', 'agent-not-registered'],
  decide(facts) {
    const { node, agent } = facts;
    const metadata = node?.metadata;
    if (!node || !metadata) return unknown;
    if (!metadata.answers || metadata.isImds !== false)
      return metadata.isImds === undefined && metadata.answers ? unknown : excluded;
    if (agent?.kind !== 'official' || agent.identity?.kind === 'activation') return excluded;
    if (isOnEc2(facts) !== false) return unknown;
    return proven(
      [observe('node', '169.254.169.254', 'answers', metadata.detail ?? 'not the metadata service', node.at)],
      {
        vendor: node.host.systemVendor ?? '?',
      },
    );
  },
  en: {
    name: 'something else answers 169.254.169.254',
    because: 'something that is no metadata service answers at 169.254.169.254, and misleads its agent',
    explain:
      "Make that address unreachable (ip route add unreachable 169.254.169.254), or set the agent's order of identities to OnPrem only.",
    about:
      "The machine isn't on EC2, and a portal, firewall or hypervisor answers at the metadata address with something else.",
  },
  ja: {
    name: '169.254.169.254 への別の応答',
    because: '169.254.169.254 にメタデータサービスでないものが応答し、エージェントを誤らせている',
    explain:
      'このアドレスを到達不能にする（ip route add unreachable 169.254.169.254）か、エージェントの身元の優先順を OnPrem だけにしてください。',
    about:
      'EC2 ではないマシンで、ポータル、ファイアウォール、ハイパーバイザーなどがメタデータのアドレスに別のものを返しています。',
  },
};

const proxyCapturesImds: Cause = {
  id: 'proxy-captures-imds',
  gate: 'identity',
  solution: 6,
  breaks: 'listed',
  near: ['imds-blocked-locally', 'no-instance-profile'],
  decide(facts) {
    const needs = needsMetadata(facts);
    if (needs === undefined || !facts.node?.proxy) return needs === false ? excluded : unknown;
    if (!needs || !proxyCaptures(facts)) return excluded;
    const proxy = facts.node.proxy.agent;
    return proven(
      [
        observe('node', proxy?.source ?? 'proxy', 'no_proxy', proxy?.no ?? '-', facts.node.at),
        observe('node', proxy?.source ?? 'proxy', 'proxy', proxy?.https ?? proxy?.http ?? '?', facts.node.at),
      ],
      { proxy: proxy?.https ?? proxy?.http ?? '?' },
    );
  },
  en: {
    name: 'proxy takes the metadata calls',
    because: 'its proxy setting sends calls to the metadata address through {proxy}',
    explain: 'Add 169.254.169.254 to no_proxy where the proxy of the agent is set, and restart it.',
    about:
      "A proxy is set for the agent, and no_proxy doesn't name the metadata address: identity and credentials are asked from the proxy.",
  },
  ja: {
    name: 'メタデータ通信のプロキシ経由',
    because: 'プロキシ設定のため、メタデータへの通信が {proxy} を通っている',
    explain: 'エージェントのプロキシ設定の no_proxy に 169.254.169.254 を加え、再起動してください。',
    about:
      'エージェントにプロキシが設定され、no_proxy にメタデータのアドレスがありません。身元と認証情報をプロキシに問い合わせています。',
  },
};

const imdsDisabled: Cause = {
  id: 'imds-disabled',
  gate: 'identity',
  solution: 2,
  breaks: 'listed',
  near: ['imds-blocked-locally', 'no-instance-profile'],
  decide(facts) {
    const needs = needsMetadata(facts);
    const metadata = facts.node?.metadata;
    if (needs === undefined || !metadata) return needs === false ? excluded : unknown;
    if (!needs) return excluded;
    if (!/\b403\b|disabled/i.test(metadata.detail ?? '')) return excluded;
    return proven([observe('node', '169.254.169.254', 'answers', metadata.detail ?? '?', facts.node?.at)]);
  },
  en: {
    name: 'metadata service switched off',
    because: 'the metadata service of the instance is switched off',
    explain:
      'Switch it on for the instance: aws ec2 modify-instance-metadata-options --http-endpoint enabled.',
    about: 'The metadata address answers "forbidden": HttpEndpoint is disabled for the instance.',
  },
  ja: {
    name: 'メタデータサービスが無効',
    because: 'インスタンスのメタデータサービスが無効になっている',
    explain:
      'インスタンスで有効にしてください: aws ec2 modify-instance-metadata-options --http-endpoint enabled',
    about: 'メタデータのアドレスが「禁止」と応答します。インスタンスの HttpEndpoint が disabled です。',
  },
};

const imdsV2: Cause = {
  id: 'imds-v1-only-agent',
  gate: 'identity',
  solution: 2,
  breaks: 'listed',
  near: ['imds-v2-hop-limit', 'imds-disabled', 'agent-too-old'],
  decide(facts) {
    const needs = needsMetadata(facts);
    if (needs === undefined || !facts.node?.metadata) return needs === false ? excluded : unknown;
    if (!needs) return excluded;
    const line = lineSaying(facts, /EC2Metadata.*\b401\b|status code: 401/i);
    if (!line) return facts.agent?.log ? excluded : unknown;
    return proven(
      [observeLine(line), observe('node', 'agent', 'version', facts.agent?.version ?? '?', facts.node.at)],
      {
        version: facts.agent?.version ?? '?',
      },
    );
  },
  en: {
    name: 'agent too old for IMDSv2',
    because: 'its agent {version} knows no IMDSv2, which the instance requires',
    explain: 'Update the agent; or allow IMDSv1 until that is done (HttpTokens optional).',
    about: 'The metadata service answers 401 because the agent sends no token.',
  },
  ja: {
    name: 'IMDSv2 に未対応のエージェント',
    because: 'インスタンスが IMDSv2 を必須としているのに、エージェント {version} が対応していない',
    explain: 'エージェントを更新するか、それまで IMDSv1 を許可してください（HttpTokens を optional に）。',
    about: 'エージェントがトークンを送らないため、メタデータサービスが 401 を返しています。',
  },
};

const hopLimit: Cause = {
  id: 'imds-v2-hop-limit',
  gate: 'identity',
  solution: 2,
  breaks: 'listed',
  near: ['imds-blocked-locally', 'imds-v1-only-agent'],
  decide(facts) {
    const needs = needsMetadata(facts);
    const metadata = facts.node?.metadata;
    if (needs === undefined || !metadata) return needs === false ? excluded : unknown;
    if (!needs || metadata.answers) return excluded;
    if (facts.node?.host.container !== true)
      return facts.node?.host.container === undefined ? unknown : excluded;
    return likely('by-elimination', [
      observe('node', '169.254.169.254', 'answers', metadata.detail ?? 'no', facts.node.at),
    ]);
  },
  en: {
    name: 'metadata one hop too far',
    because: 'it runs in a container, and the metadata service answers one hop only',
    explain: 'Raise the hop limit: aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2.',
    about:
      'Tokens of IMDSv2 reach as many hops as the instance allows, one by default; a container is one hop further.',
  },
  ja: {
    name: 'メタデータのホップ数の制限',
    because: 'コンテナの中で動いていて、メタデータサービスの応答が 1 ホップしか届かない',
    explain:
      'ホップ数の上限を上げてください: aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2',
    about: 'IMDSv2 のトークンが届くホップ数には上限（既定は 1）があり、コンテナはその 1 つ先にあります。',
  },
};

const imdsBlocked: Cause = {
  id: 'imds-blocked-locally',
  gate: 'identity',
  solution: 2,
  breaks: 'listed',
  near: ['imds-disabled', 'proxy-captures-imds', 'no-instance-profile'],
  decide(facts) {
    const needs = needsMetadata(facts);
    const metadata = facts.node?.metadata;
    if (needs === undefined || !metadata) return needs === false ? excluded : unknown;
    if (!needs || metadata.answers) return excluded;
    if (isOnEc2(facts) !== true) return unknown;
    return proven([observe('node', '169.254.169.254', 'answers', metadata.detail ?? 'no', facts.node?.at)]);
  },
  en: {
    name: 'metadata service not reached',
    because: 'the metadata address 169.254.169.254 does not answer on it, and its agent needs it',
    explain:
      'Look for a firewall rule, a route or a helper (kube2iam, kiam) on the machine that takes that address away.',
    about:
      "The machine is on EC2 and the metadata address doesn't answer there: a local rule, a missing route, or a helper that intercepts it.",
  },
  ja: {
    name: 'メタデータに届かない',
    because: 'エージェントに必要なメタデータのアドレス 169.254.169.254 が応答しない',
    explain:
      'このアドレスを遮るファイアウォールの規則、経路、補助ツール（kube2iam、kiam）がないか確認してください。',
    about:
      'EC2 のマシンでメタデータのアドレスが応答しません。ローカルの規則、経路の欠落、横取りする補助ツールが考えられます。',
  },
};

const goldenImage: Cause = {
  id: 'golden-image-with-vault',
  gate: 'identity',
  solution: null,
  breaks: 'listed',
  near: ['cloned-machine', 'runtimeconfig-stale'],
  decide({ node, agent }) {
    const stored = agent?.identity?.ec2Id;
    const own = node?.metadata?.instanceId;
    if (!node || !agent || agent.identity?.kind !== 'ec2') return agent?.identity ? excluded : unknown;
    if (stored === undefined || own === undefined) return unknown;
    if (stored === own) return excluded;
    return proven(
      [
        observe('node', 'agent', 'stored-id', stored, agent.identity.registeredAt),
        observe('node', '169.254.169.254', 'own-id', own, node.at),
      ],
      { stored, own },
    );
  },
  en: {
    name: 'image holds the registration of another',
    because: 'its image holds the registration of {stored}, and it is {own}',
    explain:
      'Stop the agent, move Vault and runtimeconfig in /var/lib/amazon/ssm aside, start it; and take both out of the image.',
    about:
      'The image was made after the agent had registered. The stored instance id differs from the one of the metadata.',
  },
  ja: {
    name: '登録情報入りのイメージ',
    because: 'イメージに {stored} の登録情報が含まれているが、このマシンは {own} である',
    explain:
      'エージェントを止め、/var/lib/amazon/ssm の Vault と runtimeconfig を別の場所へ移して起動し、イメージからも除いてください。',
    about:
      'エージェントの登録後にイメージが作られました。保存されたインスタンス ID がメタデータのものと異なります。',
  },
};

const noProfile: Cause = {
  id: 'no-instance-profile',
  gate: 'identity',
  solution: 2,
  breaks: 'listed',
  near: ['imds-blocked-locally', 'role-denied', 'dhmc-not-enabled'],
  decide(facts) {
    const needs = needsMetadata(facts);
    const metadata = facts.node?.metadata;
    if (needs === undefined || !metadata) return needs === false ? excluded : unknown;
    if (!needs || metadata.role !== undefined) return excluded;
    if (!metadata.answers || metadata.isImds === false) return unknown;
    const line = lineSaying(facts, /no EC2 instance role found|instance management role is not configured/i);
    const seen = [
      observe('node', '169.254.169.254', 'role', metadata.detail ?? 'none', facts.node?.at),
      ...(line ? [observeLine(line)] : []),
    ];
    const parameters = { instance: metadata.instanceId ?? '?' };
    return line ? proven(seen, parameters) : likely('default-role-possible', seen, parameters);
  },
  en: {
    name: 'no instance profile',
    because: 'no role is attached to the instance {instance}',
    explain:
      'Attach an instance profile whose role has AmazonSSMManagedInstanceCore, then restart the agent: else it may wait up to an hour.',
    about:
      "The metadata service offers no role, and default host management isn't set up: the agent has no credentials at all.",
  },
  ja: {
    name: 'インスタンスプロファイルなし',
    because: 'インスタンス {instance} にロールが付いていない',
    explain:
      'AmazonSSMManagedInstanceCore を持つロールのインスタンスプロファイルを付け、エージェントを再起動してください。',
    about:
      'メタデータサービスにロールがなく、デフォルトホスト管理も設定されていません。エージェントには認証情報がありません。',
  },
};

export const ec2: readonly Cause[] = [
  linkLocalHijack,
  proxyCapturesImds,
  imdsDisabled,
  imdsV2,
  hopLimit,
  imdsBlocked,
  goldenImage,
  noProfile,
];
