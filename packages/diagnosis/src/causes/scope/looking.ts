/** Whoever asks looks in the wrong place, for more than one machine, or may not see it. */
import { hostOf, lineSaying, observe, observeLine } from '../../facts/index.ts';
import { byOperator, slot } from '../../fixes/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

const nameAmbiguous: Cause = {
  id: 'name-ambiguous',
  gate: 'scope',
  solution: 5,
  breaks: 'listed',
  whileThrough: 'stands',
  near: ['wrong-region', 'machine-replaced'],
  decide({ request }) {
    const candidates = request?.candidates;
    if (!candidates) return unknown;
    if (candidates.length < 2) return excluded;
    return proven(
      candidates
        .slice(0, 5)
        .map((one) =>
          observe('request', 'records', 'candidate', `${one.id} ${one.name ?? ''} ${one.region}`),
        ),
      { count: String(candidates.length), asked: request.asked },
    );
  },
  en: {
    name: 'several machines of that name',
    because: 'several machines go by what was asked for',
    sentence: '"{asked}" stands for {count} machines; none of them was judged.',
    explain: 'Ask again with the id of the one that you mean.',
    about:
      'A name or an address was asked for, and more than one machine has it. Judging any of them would be a guess.',
  },
  ja: {
    name: '同じ名前のマシンが複数',
    because: '指定された名前に当てはまるマシンが複数ある',
    sentence: '「{asked}」に当てはまるマシンが {count} 台あるため、どれも判定していません。',
    explain: '目的のマシンの ID を指定して、もう一度実行してください。',
    about:
      '名前またはアドレスで指定され、当てはまるマシンが 2 台以上ある状態です。どれか 1 台を選んで判定すると推測になります。',
  },
};

const wrongRegion: Cause = {
  id: 'wrong-region',
  gate: 'scope',
  solution: 5,
  breaks: 'listed',
  near: ['deregistered', 'registered-elsewhere', 'region-not-served'],
  decide({ request, records, row, node, agent }) {
    if (row && row.region === request?.region) return excluded;
    const found = records?.elsewhere?.find((one) => one.region !== request?.region);
    if (request && found) {
      const seen = [
        observe('records', 'nodes', 'found-in', `${found.region} ${found.nodeId} ${found.status}`),
        observe('request', 'request', 'asked-in', request.region),
      ];
      const parameters = { region: request.region, found: found.region, nodeId: found.nodeId };
      return found.by === 'address'
        ? likely('address-is-a-lease', seen, parameters)
        : proven(seen, parameters);
    }
    const own = agent?.identity?.region ?? agent?.configuration?.region;
    if (!request || !node || own === undefined) return unknown;
    if (own === request.region) return excluded;
    if (!request.servedRegions.includes(own)) return unknown;
    return proven(
      [
        observe('node', 'agent', 'own-region', own),
        observe('request', 'request', 'asked-in', request.region),
      ],
      {
        region: request.region,
        found: own,
      },
    );
  },
  fix(_facts, { parameters }) {
    const command = byOperator('rollcall', 'nodes', '--region', slot('region', parameters.found));
    return command && { risk: 'safe', commands: [command] };
  },
  en: {
    name: 'wrong region',
    because: 'it belongs to another region',
    sentence: 'You are looking in the wrong region: it is in {found}, not in {region}.',
    fix: 'only looks in the other region',
    explain: 'Look in the region where the node is.',
    about:
      'Lists are per region. The same id or name is registered in another region of this server, or the agent itself is set to another one.',
  },
  ja: {
    name: 'リージョンの間違い',
    because: '別のリージョンに属している',
    sentence: '見ているリージョンが違います。{region} ではなく {found} にあります。',
    fix: '別のリージョンの一覧を見るだけです',
    explain: 'ノードがあるリージョンの一覧を見てください。',
    about:
      '一覧はリージョンごとに分かれています。同じ ID か名前がこのサーバーの別のリージョンに登録されているか、エージェント自身が別のリージョンに設定されています。',
  },
};

/** The server's own words. */
const notServed = /scoped to a valid region, not '([\w-]+)'\. Regions served here: ([\w-]+(?:, [\w-]+)*)/;
const otherHome = /scoped to a valid region, not '([\w-]+)': this node is registered in ([\w-]+)/;

const regionNotServed: Cause = {
  id: 'region-not-served',
  gate: 'scope',
  solution: 5,
  breaks: 'listed',
  near: ['wrong-region', 'registered-elsewhere'],
  decide(facts) {
    const { request, agent, node, attempts, fleet } = facts;
    const line = lineSaying(facts, notServed);
    if (line) {
      const [, region = '?', served = '?'] = notServed.exec(line.text) ?? [];
      return proven([observeLine(line)], { region, served: served.replaceAll(',', '') });
    }
    const refused = attempts.find((one) => one.reason === 'wrong-region');
    const region = /region=([\w-]+)/.exec(refused?.detail ?? '')?.[1] ?? '?';
    if (refused && !request?.servedRegions.includes(region)) {
      const seen = [
        observe('door', 'knocks', 'refused', `${refused.count} x ${refused.detail ?? ''}`, refused.lastAt),
      ];
      const parameters = { region, served: request?.servedRegions.join(' ') ?? '?' };
      return refused.proof === 'proven' ? proven(seen, parameters) : likely('only-claimed', seen, parameters);
    }
    const own = agent?.identity?.region ?? agent?.configuration?.region;
    if (!request || !node || own === undefined) return unknown;
    if (request.servedRegions.includes(own)) return excluded;
    // An agent of another server, or of AWS, has a region of its own: that is another cause.
    const server = agent?.identity?.server;
    if (
      server === undefined ||
      !fleet?.publicUrls?.some((url) => hostOf({ url }).host === hostOf({ url: server }).host)
    )
      return unknown;
    return proven([observe('node', 'agent', 'own-region', own)], {
      region: own,
      served: request.servedRegions.join(' '),
    });
  },
  en: {
    name: 'region not served here',
    because: 'its agent asks for region {region}, which this server does not serve',
    explain:
      'Set the agent to a region that is served ({served}), or serve that region: rollcall up --region.',
    about: 'The region in the credential scope of the agent is none of those that this server has.',
  },
  ja: {
    name: '提供していないリージョン',
    because: 'エージェントが、このサーバーの提供していないリージョン {region} を使っている',
    explain:
      'エージェントのリージョンを提供中のもの（{served}）に変えるか、rollcall up --region でそのリージョンを追加してください。',
    about: 'エージェントの署名に書かれたリージョンが、このサーバーの提供するどのリージョンとも一致しません。',
  },
};

const agentInOtherRegion: Cause = {
  id: 'agent-in-other-region',
  gate: 'scope',
  solution: 5,
  breaks: 'listed',
  near: ['wrong-region', 'region-not-served', 'deregistered'],
  decide(facts) {
    const line = lineSaying(facts, otherHome);
    const refused = facts.attempts.find(
      ({ reason, detail }) => reason === 'wrong-region' && /home=/.test(detail ?? ''),
    );
    if (!line && !refused) return facts.door || facts.agent?.log ? excluded : unknown;
    const [, region = '?', home = '?'] =
      otherHome.exec(line?.text ?? '') ?? /region=([\w-]+) home=([\w-]+)/.exec(refused?.detail ?? '') ?? [];
    const seen = [
      ...(line ? [observeLine(line)] : []),
      ...(refused
        ? [observe('door', 'knocks', 'refused', `${refused.count} x ${refused.detail}`, refused.lastAt)]
        : []),
    ];
    const isProven = line !== undefined || refused?.proof === 'proven';
    return isProven ? proven(seen, { region, home }) : likely('only-claimed', seen, { region, home });
  },
  en: {
    name: 'agent set to another region',
    because: 'its agent is set to region {region}, and the node is registered in {home}',
    explain:
      "Set the agent's region back to {home}, and restart it. If the machine belongs in {region}, enrol it anew there.",
    about:
      "The node's own key is right, and the region that it signs for is another than the one in which it was registered. Somebody edited the agent's region.",
  },
  ja: {
    name: 'エージェントのリージョン違い',
    because: 'エージェントのリージョンが {region} になっているが、ノードは {home} に登録されている',
    explain:
      'エージェントのリージョンを {home} に戻して再起動してください。{region} に置くべきマシンなら、そちらで登録し直します。',
    about:
      'ノードの鍵は正しいものの、署名のリージョンが登録時のリージョンと違います。エージェントのリージョン設定が書き換えられています。',
  },
};

const callerNotAuthorised: Cause = {
  id: 'caller-not-authorised',
  gate: 'scope',
  solution: 2,
  breaks: 'listed',
  whileThrough: 'stands',
  near: ['wrong-region'],
  decide({ request }) {
    if (request?.mayList === undefined) return unknown;
    if (request.mayList) return excluded;
    return proven([observe('request', 'policy', 'denied', 'ssm:DescribeInstanceInformation')], {
      action: 'ssm:DescribeInstanceInformation',
    });
  },
  en: {
    name: 'you may not list nodes',
    because: 'you may not list nodes',
    sentence: 'You may not list nodes: no policy allows you {action}.',
    explain: 'Ask whoever runs the server for a policy that allows exactly this action.',
    about:
      'The policy of whoever asks does not allow the call that makes the list. The node itself may be well.',
  },
  ja: {
    name: '一覧を見る権限がない',
    because: '一覧を見る権限がない',
    sentence: 'ノードの一覧を見る権限がありません。{action} を許可するポリシーがありません。',
    explain: 'この操作だけを許可するポリシーを、サーバーの管理者に依頼してください。',
    about:
      '一覧を取得する呼び出しが、利用者のポリシーで許可されていません。ノード自体には問題がない場合もあります。',
  },
};

const documentNotAllowed: Cause = {
  id: 'document-not-allowed',
  gate: 'scope',
  solution: 2,
  breaks: 'picked',
  whileThrough: 'stands',
  near: ['list-filtered-by-platform'],
  decide({ request }) {
    const document = request?.document;
    if (document?.mayUse === undefined) return unknown;
    if (document.mayUse) return excluded;
    return proven([observe('request', 'policy', 'denied', document.name)], { document: document.name });
  },
  en: {
    name: 'you may not use that document here',
    because: 'you may not use {document} on it',
    explain: 'Ask whoever runs the server for a policy that allows this document on this node.',
    about: 'The policy of whoever asks does not allow the operation with this document on this node.',
  },
  ja: {
    name: 'ドキュメントを使う権限がない',
    because: 'このノードで {document} を使う権限がない',
    explain: 'このノードでこのドキュメントの使用を許可するポリシーを、サーバーの管理者に依頼してください。',
    about: 'このノードに対してこのドキュメントを使う操作が、利用者のポリシーで許可されていません。',
  },
};

const platformMisreported: Cause = {
  id: 'platform-misreported',
  gate: 'scope',
  solution: 6,
  breaks: 'picked',
  whileThrough: 'stands',
  near: ['list-filtered-by-platform', 'proxy-captures-imds'],
  decide({ row, node, request }) {
    if (row?.platform === undefined || !node || node.host.platform === 'other') return unknown;
    if (row.platform.toLowerCase() === node.host.platform.toLowerCase()) return excluded;
    // Only what it is to be picked for makes a difference of it.
    const runsOn = request?.document?.platforms;
    if (runsOn === undefined || !runsOn.includes(node.host.platform) || runsOn.includes(row.platform))
      return unknown;
    return proven(
      [
        observe('records', 'nodes', 'platform', row.platform, row.lastPing),
        observe('node', 'system', 'platform', node.host.platform, node.at),
      ],
      { shown: row.platform, is: node.host.platform },
    );
  },
  en: {
    name: 'platform is reported wrongly',
    because: 'its agent reports {shown}, and the machine runs {is}',
    explain:
      'Restart the agent; if it stays so, look at its proxy settings, and whether it knows this system at all.',
    about:
      'The platform in the last heartbeat is another than what the machine runs, so that pickers leave it out. The proxy settings are the usual reason.',
  },
  ja: {
    name: 'OS の誤った報告',
    because: 'エージェントは {shown} と報告しているが、実際のマシンは {is} である',
    explain:
      'エージェントを再起動してください。変わらない場合は、プロキシ設定と、エージェントがこの OS に対応しているかを確認します。',
    about: '最後のハートビートの OS が実際と異なるため、選択画面から外れます。多くはプロキシ設定が原因です。',
  },
};

const filteredByPlatform: Cause = {
  id: 'list-filtered-by-platform',
  gate: 'scope',
  solution: 4,
  breaks: 'picked',
  whileThrough: 'stands',
  near: ['document-not-allowed', 'agent-too-old'],
  decide({ request, row, node }) {
    const document = request?.document;
    const platform = row?.platform ?? node?.host.platform;
    if (!document || platform === undefined) return unknown;
    const runsOn = document.platforms;
    if (runsOn.length === 0 || runsOn.some((one) => one.toLowerCase() === platform.toLowerCase()))
      return excluded;
    return proven(
      [
        observe('request', 'document', 'runs-on', runsOn.join(' ')),
        observe(row ? 'records' : 'node', 'node', 'platform', platform),
      ],
      { document: document.name, platforms: runsOn.join(', '), platform },
    );
  },
  en: {
    name: 'document for another platform',
    because: '{document} runs on {platforms} only, and it is {platform}',
    explain: 'Choose a document for {platform}; to see who can be chosen: rollcall nodes --for DOCUMENT.',
    about: 'A document names the platforms that it runs on, and the picker lists only nodes of these.',
  },
  ja: {
    name: 'ドキュメントの対象外の OS',
    because: '{document} は {platforms} でしか動かず、このノードは {platform} である',
    explain:
      '{platform} 用のドキュメントを選んでください。選択できるノードの確認: rollcall nodes --for DOCUMENT',
    about: 'ドキュメントには対象の OS が決められており、選択画面にはその OS のノードだけが表示されます。',
  },
};

export const looking: readonly Cause[] = [
  nameAmbiguous,
  callerNotAuthorised,
  wrongRegion,
  regionNotServed,
  agentInOtherRegion,
  documentNotAllowed,
  platformMisreported,
  filteredByPlatform,
];
