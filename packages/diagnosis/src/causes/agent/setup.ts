/** The agent runs, or would, but is set up so that it can't do its work. */
import { isOlder, lineSaying, observe, observeLine } from '../../facts/index.ts';
import { restartOnly } from '../../fixes/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

const wrongUser: Cause = {
  id: 'agent-wrong-user',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['vault-unreadable', 'agent-stopped'],
  decide(facts) {
    const { node, agent, process } = facts;
    if (!node || !agent) return unknown;
    // Ours may run as anybody; commands then run as that user.
    if (agent.kind !== 'official') return excluded;
    const user = process?.user ?? agent.service?.user;
    if (user === undefined) return unknown;
    if (/^(root|0|SYSTEM|LocalSystem|NT AUTHORITY\\SYSTEM)$/i.test(user)) return excluded;
    const line = lineSaying(facts, /set permission for vault|operation not permitted|permission denied/i);
    return proven([observe('node', '/proc', 'user', user, node.at), ...(line ? [observeLine(line)] : [])], {
      user,
    });
  },
  en: {
    name: 'agent runs as another user than root',
    because: "its agent runs as {user}, and can't read its own state, which is for root only",
    explain: 'Take User= out of the unit and its drop-ins, and restart the service.',
    about:
      "The official agent makes its folders so that only root gets into them. Under another user it can't load its registration.",
  },
  ja: {
    name: 'root 以外で動くエージェント',
    because: 'エージェントが {user} として動いていて、root 専用の自分の状態を読めない',
    explain: 'ユニットとドロップインから User= を外し、サービスを再起動してください。',
    about:
      '公式エージェントのフォルダーは root しか開けません。ほかのユーザーで動かすと登録情報を読み込めません。',
  },
};

const securitySoftware: Cause = {
  id: 'security-software-blocks-agent',
  gate: 'agent',
  solution: null,
  breaks: 'listed',
  near: ['agent-binary-broken', 'noexec-mount', 'agent-stopped'],
  decide({ node, agent, running }) {
    const security = node?.resources?.security;
    if (!node || !agent) return unknown;
    if (running.length > 0) return excluded;
    if (!security?.denials) return unknown;
    const denial = security.denials.at(-1);
    if (denial === undefined) return excluded;
    const seen = [
      observe('node', 'audit log', 'denied', denial, node.at),
      ...(agent.service
        ? [
            observe(
              'node',
              agent.service.manager,
              'service',
              `${agent.service.name} ${agent.service.state}`,
              node.at,
            ),
          ]
        : []),
    ];
    const couldNotExecute = [203, 126].includes(agent.service?.lastExit?.code ?? 0);
    return couldNotExecute ? proven(seen) : likely('denial-and-stopped', seen);
  },
  en: {
    name: 'security software blocks the agent',
    because: "the machine's security rules denied its agent something, and it does not run",
    explain:
      'Show the audit line to whoever keeps the rules (SELinux, AppArmor, fapolicyd, an EDR), and have the agent allowed. Switching protection off is no fix.',
    about: "The audit log names the agent's program in a denial, and the agent does not run.",
  },
  ja: {
    name: 'セキュリティソフトによる遮断',
    because: 'マシンのセキュリティ規則がエージェントの動作を拒否し、エージェントが動いていない',
    explain:
      '監査ログの行を規則（SELinux、AppArmor、fapolicyd、EDR）の管理者に見せ、エージェントを許可してもらってください。保護を切るのは解決ではありません。',
    about: '監査ログの拒否の記録にエージェントの実行ファイルがあり、エージェントが動いていません。',
  },
};

const configBroken: Cause = {
  id: 'config-unreadable',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['template-edited-only', 'registered-elsewhere', 'agent-crash-loop'],
  decide({ node, agent }) {
    if (!node || !agent?.configuration) return unknown;
    const broken = agent.configuration.files.find(({ problem }) => problem !== undefined);
    if (!broken) return excluded;
    // A proxy that is written wrongly is said by its own name.
    if (node.proxy?.malformed !== undefined) return unknown;
    return proven(
      [observe('node', broken.path, 'problem', broken.problem ?? '?', broken.changedAt ?? node.at)],
      {
        path: broken.path,
        problem: broken.problem ?? '?',
      },
    );
  },
  en: {
    name: "configuration can't be read",
    because: "its configuration {path} can't be read ({problem}), so that the agent goes by its defaults",
    explain: 'Correct the file (a comma too many, a brace missing?), and restart the agent.',
    about:
      "A file of the agent's configuration is no valid JSON, or may not be read. The official agent then works with its defaults, which lead to AWS.",
  },
  ja: {
    name: '設定ファイルが読めない',
    because: '設定ファイル {path} を読めず（{problem}）、エージェントが既定値で動いている',
    explain: 'ファイルの誤り（余分なカンマ、括弧の不足など）を直し、エージェントを再起動してください。',
    about:
      'エージェントの設定ファイルが正しい JSON でないか、読み取れません。公式エージェントは既定値で動き、AWS へ接続します。',
  },
};

const templateOnly: Cause = {
  id: 'template-edited-only',
  gate: 'agent',
  solution: 3,
  breaks: 'listed',
  near: ['config-unreadable', 'registered-elsewhere'],
  decide({ node, agent }) {
    if (!node || !agent) return unknown;
    if (agent.kind !== 'official') return excluded;
    if (agent.configuration?.onlyTemplateEdited === undefined)
      return agent.configuration ? excluded : unknown;
    if (!agent.configuration.onlyTemplateEdited) return excluded;
    const file = agent.configuration.files.find(({ path }) => path.endsWith('.template'));
    return proven([
      observe(
        'node',
        file?.path ?? 'amazon-ssm-agent.json.template',
        'changed',
        'yes',
        file?.changedAt ?? node.at,
      ),
    ]);
  },
  en: {
    name: 'only the template was edited',
    because: 'only the template of its configuration was edited, which the agent never reads',
    explain: 'Copy amazon-ssm-agent.json.template to amazon-ssm-agent.json beside it, and restart the agent.',
    about:
      'amazon-ssm-agent.json.template differs from the one of the package, and there is no amazon-ssm-agent.json. Only the latter is read.',
  },
  ja: {
    name: '編集したのがテンプレートだけ',
    because: '設定のテンプレートだけが編集されていて、エージェントはそれを読まない',
    explain:
      '同じ場所の amazon-ssm-agent.json.template を amazon-ssm-agent.json にコピーし、エージェントを再起動してください。',
    about:
      'amazon-ssm-agent.json.template が変更されていますが、amazon-ssm-agent.json がありません。読まれるのは後者だけです。',
  },
};

const regionDomain: Cause = {
  id: 'partition-or-region-domain',
  gate: 'agent',
  solution: 5,
  breaks: 'listed',
  near: ['region-not-served', 'dns-fails', 'config-unreadable'],
  decide(facts) {
    const { node, agent } = facts;
    if (!node || !agent) return unknown;
    const line = lineSaying(
      facts,
      /endpoint because region .* has invalid characters|endpoint for service .* due to unspecified region/i,
    );
    const region = agent.configuration?.region ?? agent.identity?.region;
    const isStrange = region !== undefined && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(region);
    if (!line && !isStrange) return region === undefined ? unknown : excluded;
    return proven(
      [observe('node', 'agent', 'own-region', region ?? '-', node.at), ...(line ? [observeLine(line)] : [])],
      { region: region ?? '-' },
    );
  },
  en: {
    name: 'region makes no address',
    because: 'its agent can make no address from the region that it is set to ("{region}")',
    explain:
      'Correct the region in the configuration of the agent (Agent.Region in amazon-ssm-agent.json), and restart it.',
    about:
      'The official agent builds its addresses as SERVICE.REGION.DOMAIN. A region that is missing or has other characters than letters, digits and hyphens makes none.',
  },
  ja: {
    name: 'リージョンの指定の誤り',
    because: '設定されたリージョン（「{region}」）からエージェントが接続先を作れない',
    explain:
      'エージェントの設定のリージョン（amazon-ssm-agent.json の Agent.Region）を直し、再起動してください。',
    about:
      '公式エージェントは接続先を SERVICE.REGION.DOMAIN の形で作ります。リージョンがないか、英数字とハイフン以外の文字があると作れません。',
  },
};

const bootRace: Cause = {
  id: 'boot-race-network-online',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  passing: true,
  near: ['no-default-route', 'imds-blocked-locally', 'agent-backing-off'],
  decide(facts) {
    const { node, agent, process, path } = facts;
    if (!node || !agent || !process) return unknown;
    const { bootAt } = node.host;
    if (bootAt === undefined || process.startedAt === undefined) return unknown;
    if (process.startedAt > bootAt + 3 * 60_000) return excluded;
    const line = lineSaying(
      facts,
      /network is unreachable|no route to host|temporary failure in name resolution/i,
    );
    if (!line || line.at > process.startedAt + 5 * 60_000) return excluded;
    const waits = agent.waiting !== undefined && agent.waiting.until > node.at;
    if (!path?.works || !waits) return unknown;
    return proven([
      observeLine(line),
      observe('node', 'agent', 'waits-until', new Date(agent.waiting?.until ?? 0).toISOString(), node.at),
    ]);
  },
  fix: restartOnly,
  en: {
    name: 'agent started before the network',
    because: 'its agent started before the network was up, and waits since',
    fix: 'restarts the agent, which ends the waiting',
    explain:
      'Restart the agent. To keep it from happening: Wants=network-online.target in a drop-in of its unit.',
    about:
      'The first lines after the boot say that the network is unreachable; by now the way is free, and the agent still waits.',
  },
  ja: {
    name: 'ネットワークより先に起動',
    because: 'エージェントがネットワークより先に起動し、それ以来待機している',
    fix: 'エージェントを再起動し、待機を終わらせます',
    explain:
      'エージェントを再起動してください。再発を防ぐには、ユニットのドロップインに Wants=network-online.target を加えます。',
    about:
      '起動直後のログにネットワークへ届かないとあります。今は通信できますが、エージェントはまだ待機しています。',
  },
};

const tooOld: Cause = {
  id: 'agent-too-old',
  gate: 'agent',
  solution: 1,
  breaks: 'picked',
  near: ['list-filtered-by-platform', 'document-not-allowed'],
  decide({ request, fleet, row, agent }) {
    const document = request?.document?.name;
    if (document === undefined || !fleet?.minimumVersions) return unknown;
    const least = fleet.minimumVersions[document];
    const version = row?.agentVersion ?? agent?.version;
    if (least === undefined) return excluded;
    if (version === undefined) return unknown;
    if (row?.agentName !== undefined && !/amazon/i.test(row.agentName)) return excluded;
    if (!isOlder(version, least)) return excluded;
    return proven([observe(row ? 'records' : 'node', 'agent', 'version', version)], {
      version,
      least,
      document,
    });
  },
  warns({ fleet, row, agent }) {
    const seen = agent
      ? { name: agent.kind === 'official' ? 'amazon-ssm-agent' : 'rollcall-agent', version: agent.version }
      : { name: row?.agentName ?? '', version: row?.agentVersion };
    const least = fleet?.minimumVersions?.[seen.name];
    const { version } = seen;
    return version !== undefined && least !== undefined && isOlder(version, least)
      ? { version, least }
      : undefined;
  },
  en: {
    name: 'agent too old',
    because: '{document} needs an agent from {least} on, and it has {version}',
    explain: 'Update the agent, for example with the document AWS-UpdateSSMAgent, or by its package.',
    about: 'Some features need a least version of the agent. Everything else works with the old one.',
    warning: 'The agent {version} is old; from {least} on it is fully supported.',
  },
  ja: {
    name: 'エージェントが古い',
    because: '{document} には {least} 以降のエージェントが必要で、このノードは {version} である',
    explain: 'ドキュメント AWS-UpdateSSMAgent またはパッケージで、エージェントを更新してください。',
    about: '一部の機能には必要なエージェントの最低バージョンがあります。それ以外は古いままでも使えます。',
    warning: 'エージェント {version} は古いバージョンです。完全に対応するのは {least} 以降です。',
  },
};

const snapDowngrade: Cause = {
  id: 'snap-channel-downgrade',
  gate: 'agent',
  solution: 1,
  breaks: 'picked',
  near: ['agent-too-old', 'double-agent'],
  decide({ node, agent, row, request, fleet }) {
    if (!node || !agent) return unknown;
    if (agent.packaging !== 'snap') return excluded;
    if (agent.version === undefined || row?.agentVersion === undefined) return unknown;
    if (!isOlder(agent.version, row.agentVersion)) return excluded;
    const least = request?.document && fleet?.minimumVersions?.[request.document.name];
    if (least === undefined || !isOlder(agent.version, least)) return excluded;
    return likely(
      'by-comparison',
      [
        observe('node', 'snap', 'version', agent.version, node.at),
        observe('records', 'nodes', 'version', row.agentVersion, row.lastPing),
        observe('node', 'snap', 'channel', agent.snapChannel ?? '?', node.at),
      ],
      { was: row.agentVersion, is: agent.version, channel: agent.snapChannel ?? '?' },
    );
  },
  en: {
    name: 'snap took the agent back',
    because: 'snap took its agent back from {was} to {is}, following {channel}',
    explain:
      'Let snap follow the channel that you update from: snap refresh --channel=CHANNEL amazon-ssm-agent.',
    about:
      "The agent was updated by a document, and snap's own refresh put back the older version of the channel that it follows.",
  },
  ja: {
    name: 'snap によるバージョンの後退',
    because: 'snap が {channel} に従い、エージェントを {was} から {is} に戻した',
    explain: '更新元のチャンネルを snap に追わせてください: snap refresh --channel=CHANNEL amazon-ssm-agent',
    about: 'ドキュメントで更新したエージェントを、snap の自動更新がチャンネルの古いバージョンに戻しました。',
  },
};

export const setup: readonly Cause[] = [
  wrongUser,
  configBroken,
  templateOnly,
  regionDomain,
  bootRace,
  tooOld,
  snapDowngrade,
];
export const blocked: readonly Cause[] = [securitySoftware];
