/** Heartbeats arrive, and the command channel doesn't stand; or the server was away itself. */
import {
  attemptFor,
  type Facts,
  isOlder,
  isOurs,
  type LogLine,
  lineSaying,
  observe,
  observeLine,
} from '../../facts/index.ts';
import { restartOnly } from '../../fixes/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

const minute = 60_000;
/** Older official agents have no channel over ssmmessages for commands. */
const leastForChannel = '2.3.68.0';
/** Our agent tries every minute at least: three times that long without it is no back-off. */
const oursAtMost = 3 * minute;

/** In the list and without a channel for longer than one attempt takes. */
function lacksChannel({ row, through, channelOpen, now, path }: Facts): boolean | undefined {
  if (through === undefined || channelOpen === undefined) return undefined;
  // When the way itself is broken by now, the channel is the first to show it, and not what is wrong.
  if (path?.fault && path.fault.layer !== 'websocket') return channelOpen ? false : undefined;
  if (!through || channelOpen || row?.polling) return false;
  return (row?.channelClosedAt ?? row?.registeredAt ?? 0) < now - 2 * minute;
}

/** What its agent was told when it asked for its channel, and may not have one. */
function channelDenied(facts: Facts): LogLine | undefined {
  return lineSaying(facts, /^(?=.*(AccessDenied|not authorized)).*ssmmessages/i);
}

/** The last time in which no server listened, if the channel was lost in it. */
function blindTime({ fleet, row, now }: Facts): { readonly from: number; readonly to: number } | undefined {
  const closed = row?.channelClosedAt ?? row?.lastPing;
  if (!row || closed === undefined) return undefined;
  // Of a server that ended, nobody wrote down that the channel did: the next heartbeat was due within a period.
  const before = 2 * minute + (row.channelClosedAt === undefined ? row.periodSeconds * 1000 : 0);
  const started = fleet?.serverStartedAt;
  const times = [...(fleet?.serverBlind ?? [])];
  if (started !== undefined && times.length === 0) times.push({ from: started, to: started });
  // Opened, not open, and nobody saw it close: it ended with the server that held it, heartbeats since or not.
  if (!row.connected && row.channelClosedAt === undefined && row.channelOpenedAt !== undefined) {
    const opened = row.channelOpenedAt;
    const ended = times.find(({ to }) => to >= opened);
    if (ended && ended.to > now - 90 * minute) return ended;
  }
  return times.findLast(
    ({ from, to }) => from - before <= closed && closed <= to + 2 * minute && to > now - 90 * minute,
  );
}

const serverWasAway: Cause = {
  id: 'server-was-away',
  gate: 'freshness',
  solution: null,
  breaks: 'listed',
  passing: true,
  shared: true,
  near: ['agent-stopped', 'corporate-firewall', 'channel-backoff'],
  decide(facts) {
    const { fleet, row, now, through } = facts;
    if (!fleet || !row) return unknown;
    if (through) return excluded;
    const blind = blindTime(facts);
    if (!blind) return excluded;
    // Whoever was heard since had found the way back: what stops it now came later.
    if (row.lastPing !== undefined && row.lastPing > blind.to) return excluded;
    // Ours waits a minute at most. Official ones: two periods after its return whoever is there has reported in.
    const patience = isOurs(facts) ? oursAtMost : Math.max(2 * row.periodSeconds * 1000, 60 * minute);
    if (now > blind.to + patience) return excluded;
    return likely(
      'by-time',
      [
        observe('records', 'servers', 'away', `${iso(blind.from)} ${iso(blind.to)}`, blind.to),
        observe('records', 'presence', 'back', `${fleet.online}/${fleet.nodes}`, now),
        ...(row.lastPing === undefined
          ? []
          : [observe('records', 'presence', 'last-heartbeat', iso(row.lastPing), row.lastPing)]),
      ],
      {
        from: String(blind.from),
        to: String(blind.to),
        online: String(fleet.online),
        nodes: String(fleet.nodes),
      },
    );
  },
  en: {
    name: 'server was away',
    because:
      'the server itself was away until {to:time}, and the node has not reported in since; {online} of {nodes} are back',
    explain: 'Wait: agents come back by themselves, official ones within 40 minutes, or 60 at worst.',
    about:
      "No server listened when the node was last due. That is never the node's fault; its agent comes back at its next attempt.",
  },
  ja: {
    name: 'サーバーの停止',
    because:
      'サーバー自身が {to:time} まで停止していて、ノードがまだ報告していない（{nodes} 台中 {online} 台は復帰済み）',
    explain:
      '待ってください。エージェントは自動的に戻ります（公式エージェントは 40 分、遅くとも 60 分以内）。',
    about: 'ノードの報告時刻にどのサーバーも動いていませんでした。ノードの責任ではなく、次の試行で戻ります。',
  },
};

const channelRefused: Cause = {
  id: 'channel-refused',
  gate: 'freshness',
  solution: null,
  breaks: 'working',
  near: ['websocket-blocked', 'channel-backoff', 'cloned-machine'],
  decide(facts) {
    const lacks = lacksChannel(facts);
    if (lacks === undefined || !facts.door) return unknown;
    if (!lacks) return excluded;
    // These come while heartbeats do: they aren't over with the next one.
    const refused = facts.door.knocks
      .filter(({ reason, tie }) => /^channel-/.test(reason) && tie !== 'address')
      .find(({ lastAt }) => lastAt > facts.now - 90 * minute);
    if (!refused) return excluded;
    const seen = [
      observe(
        'door',
        'knocks',
        'refused',
        `${refused.count} x ${refused.reason}, ${refused.address}`,
        refused.lastAt,
      ),
    ];
    const parameters = { reason: refused.reason, count: String(refused.count) };
    return refused.tie === 'signature' ? proven(seen, parameters) : likely('only-claimed', seen, parameters);
  },
  fix: restartOnly,
  en: {
    name: 'channel is turned away',
    because: 'its command channel is turned away at its hello ({reason}, {count} times)',
    fix: 'restarts the agent, which asks for a new channel token',
    explain:
      'Restart the agent; if it stays so, look for a device on the way that repeats or changes requests.',
    about:
      "The websocket opens, and what the agent says first is late, malformed, or carries a token that isn't good.",
  },
  ja: {
    name: 'チャネルの拒否',
    because: 'コマンド用チャネルが最初の挨拶で断られている（{reason}、{count} 回）',
    fix: 'エージェントを再起動し、新しいチャネルトークンを取得させます',
    explain:
      'エージェントを再起動してください。続く場合は、要求を繰り返したり変えたりする装置が途中にないか調べます。',
    about:
      'WebSocket は開きますが、エージェントの最初の言葉が遅いか、形式が正しくないか、トークンが有効ではありません。',
  },
};

const channelTooOld: Cause = {
  id: 'session-channel-missing',
  gate: 'freshness',
  solution: 3,
  breaks: 'working',
  near: ['websocket-blocked', 'channel-backoff', 'agent-too-old'],
  decide(facts) {
    const lacks = lacksChannel(facts);
    if (lacks === undefined) return unknown;
    if (!lacks) return excluded;
    const { row, agent, path, node } = facts;
    const version = row?.agentVersion ?? agent?.version;
    const denied = channelDenied(facts);
    const seen = [
      row
        ? observe('records', 'presence', 'channel', 'closed', row.channelClosedAt)
        : observe('node', 'agent', 'channel', 'closed', node?.at),
      row
        ? observe('records', 'nodes', 'version', version ?? '?', row.lastPing)
        : observe('node', 'agent', 'version', version ?? '?', node?.at),
      ...(denied ? [observeLine(denied)] : []),
    ];
    const parameters = {
      since: String(row?.channelClosedAt ?? row?.registeredAt ?? denied?.at ?? facts.now),
      version: version ?? '?',
    };
    if (row?.agentName !== undefined && /amazon/i.test(row.agentName) && isOlder(version, leastForChannel))
      return proven(seen, parameters);
    if (denied) return proven(seen, parameters);
    return path?.works
      ? likely('way-is-free', seen, parameters)
      : likely('not-seen-on-node', seen, parameters);
  },
  fix: restartOnly,
  en: {
    name: 'no command channel',
    because: 'its command channel is not open since {since:time}, although heartbeats arrive',
    fix: 'restarts the agent, which opens the channel anew',
    explain:
      'Restart the agent. If the channel stays closed: is ssmmessages reached, may its role open channels, is the agent ({version}) new enough?',
    about:
      'Heartbeats and channel are two connections. Without the channel commands wait and sessions fail, although the node counts as Online.',
  },
  ja: {
    name: 'コマンドチャネルなし',
    because: 'ハートビートは届くが、{since:time} からコマンド用チャネルが開いていない',
    fix: 'エージェントを再起動し、チャネルを開き直させます',
    explain:
      'エージェントを再起動してください。それでも開かない場合は、ssmmessages に届くか、ロールにチャネルの権限があるか、エージェント（{version}）が古くないかを確認します。',
    about:
      'ハートビートとチャネルは別の接続です。チャネルがないと、Online でもコマンドは待たされ、セッションは失敗します。',
  },
};

const halfOpen: Cause = {
  id: 'nat-idle-or-swap',
  gate: 'freshness',
  solution: null,
  breaks: 'working',
  near: ['channel-backoff', 'websocket-blocked'],
  decide(facts) {
    const lacks = lacksChannel(facts);
    if (lacks === undefined || !facts.node) return unknown;
    if (!lacks) return excluded;
    const since = facts.agent?.status?.channelOpenSince;
    const closed = facts.row?.channelClosedAt;
    if (since === undefined) return facts.agent?.status ? excluded : unknown;
    if (closed === undefined || facts.row?.connected !== false || facts.node.at < closed + 2 * minute)
      return unknown;
    return proven(
      [
        observe('node', 'agent', 'channel', 'open', since),
        observe('records', 'presence', 'channel', 'closed', closed),
      ],
      { since: String(closed) },
    );
  },
  fix: restartOnly,
  en: {
    name: 'channel open on one side only',
    because:
      'its agent believes its channel open, and it ended at {since:time}: something on the way dropped it silently',
    fix: 'restarts the agent, which opens the channel anew',
    explain:
      'Restart the agent. If it happens again, raise the idle time-out of the NAT or firewall on the way above 60 s.',
    about:
      "A NAT or firewall on the way was replaced or forgot the idle connection. One side still has it, the other doesn't.",
  },
  ja: {
    name: '片側だけ開いたチャネル',
    because:
      'エージェントは開いていると見なしているチャネルが、途中の装置によって {since:time} に黙って切られている',
    fix: 'エージェントを再起動し、チャネルを開き直させます',
    explain:
      'エージェントを再起動してください。繰り返す場合は、途中の NAT やファイアウォールの無通信タイムアウトを 60 秒より長くします。',
    about:
      '途中の NAT やファイアウォールが入れ替わったか、無通信の接続を忘れました。片側にだけ接続が残っています。',
  },
};

const channelBackoff: Cause = {
  id: 'channel-backoff',
  gate: 'freshness',
  solution: null,
  breaks: 'working',
  passing: true,
  near: ['websocket-blocked', 'session-channel-missing', 'agent-too-old', 'channel-refused'],
  decide(facts) {
    const lacks = lacksChannel(facts);
    if (lacks === undefined) return unknown;
    if (!lacks) return excluded;
    const { agent, row, now } = facts;
    const refused = attemptFor(
      facts,
      'channel-token-refused',
      'channel-hello-malformed',
      'channel-hello-late',
    );
    if (refused || channelDenied(facts)) return excluded;
    const waiting = agent?.waiting;
    if (waiting && waiting.until > (facts.node?.at ?? now) && waiting.reason !== 'routine')
      return proven(
        [
          observe(
            'node',
            waiting.source,
            'waits-until',
            new Date(waiting.until).toISOString(),
            facts.node?.at,
          ),
        ],
        {
          until: String(waiting.until),
        },
      );
    const blind = row?.channelOpenedAt === undefined ? undefined : blindTime(facts);
    if (!blind) return unknown;
    const ours = isOurs(facts);
    if (ours && now > blind.to + oursAtMost) return excluded;
    return likely(
      'by-time',
      [
        observe('records', 'servers', 'away', `${iso(blind.from)} ${iso(blind.to)}`, blind.to),
        observe('records', 'presence', 'channel', 'closed', row?.channelClosedAt),
      ],
      { until: String(blind.to + (ours ? oursAtMost : 60 * minute)) },
    );
  },
  fix: restartOnly,
  en: {
    name: 'channel waits out a back-off',
    because: 'its command channel waits out a back-off',
    sentence: '{name} reports in, but its command channel waits out a back-off.',
    fix: 'restarts the agent, which opens the channel at once',
    explain: 'Wait, or restart the agent on the node: it opens the channel at once.',
    about:
      'After the loss of its channel the official agent waits from 5 seconds up to 40 minutes, and as much as half of that more; ours a minute at most. Heartbeats go on meanwhile.',
  },
  ja: {
    name: 'チャネルの再試行待ち',
    because: 'コマンド用チャネルが再試行を待っている',
    sentence: '{name} からは報告が届いていますが、コマンド用チャネルは再試行待ちです。',
    fix: 'エージェントを再起動し、すぐにチャネルを開かせます',
    explain: '待つか、ノードでエージェントを再起動してください。すぐにチャネルを開きます。',
    about:
      'チャネルを失うと、公式エージェントは 5 秒から最長 40 分（さらに最大でその半分）、Rollcall のエージェントは最長 1 分待って再試行します。その間もハートビートは続きます。',
  },
};

const hidden: Cause = {
  id: 'thirty-day-hidden',
  gate: 'freshness',
  solution: null,
  breaks: 'listed',
  near: ['deregistered', 'machine-stopped', 'wrong-region'],
  decide({ row, records }) {
    if (!records) return unknown;
    if (!row?.hidden) return excluded;
    return proven(
      [
        observe(
          'records',
          'presence',
          'last-heartbeat',
          row.lastPing === undefined ? '-' : iso(row.lastPing),
          row.lastPing,
        ),
      ],
      {
        since: String(row.lastPing ?? row.registeredAt),
      },
    );
  },
  en: {
    name: 'lost for 30 days',
    because: 'it is lost since {since:time}; after 30 days a node leaves the default list',
    explain:
      'It is still registered, and back by itself with its next heartbeat. To see it: rollcall nodes --hidden. What lost it can only be seen on the machine: rollcall doctor.',
    about: 'A node that was lost for 30 days is no longer in the default list. Nothing was deleted.',
  },
  ja: {
    name: '30 日以上の途絶',
    because: '{since:time} から途切れていて、30 日を過ぎたため通常の一覧に出ない',
    explain:
      '登録は残っていて、次のハートビートで自動的に戻ります。確認: rollcall nodes --hidden。途切れた原因はマシン上で rollcall doctor を実行して調べてください。',
    about: '30 日以上途切れたノードは通常の一覧に出なくなります。何も削除されていません。',
  },
};

const noAssociations: Cause = {
  id: 'association-list-empty',
  gate: 'freshness',
  solution: 1,
  breaks: 'working',
  near: ['agent-not-registered', 'session-channel-missing'],
  // It keeps no node from anything: it only makes AWS's own check of registration say "no".
  decide: ({ records }) => (records ? excluded : unknown),
  warns: ({ records, row, through }) => (through && row && records?.associations === 0 ? {} : undefined),
  en: {
    name: 'no associations',
    because: 'no association is left for it',
    explain: 'To have them again, make an association for inventory (AWS-GatherSoftwareInventory).',
    about:
      'A node that registers gets two associations by itself. Somebody deleted both, so that describe-instance-associations-status answers [], which AWS\'s page reads as "not registered". It is registered.',
    warning: "No association is left for it: AWS's own check (an empty list) would take it for unregistered.",
  },
  ja: {
    name: '関連付けがない',
    because: '関連付けが 1 つも残っていない',
    explain: '必要なら、インベントリ用の関連付けを作り直してください。',
    about:
      '登録されたノードには 2 つの関連付けが自動的に付きます。両方が削除されると describe-instance-associations-status が [] を返し、AWS のページの確認方法では未登録に見えますが、登録されています。',
    warning: '関連付けが 1 つもないため、AWS の確認方法（空の一覧）では未登録に見えます。',
  },
};

function iso(time: number): string {
  return new Date(time).toISOString();
}

export const channel: readonly Cause[] = [channelRefused, halfOpen, channelBackoff, channelTooOld];
export const presence: readonly Cause[] = [serverWasAway, hidden, noAssociations];
