/** Nothing is broken any more: the agent waits before it tries again, by a table of its own. */
import { type Facts, isOnEc2, lineSaying, observe, observeLine } from '../../facts/index.ts';
import { restartOnly } from '../../fixes/index.ts';
import type { CauseTexts } from '../cause.ts';
import { type Cause, excluded, type Finding, proven, unknown } from '../cause.ts';

interface Mechanism {
  readonly id: string;
  /** Words of the agent by which this mechanism is told from the others. */
  readonly words: RegExp;
  readonly on: 'ec2' | 'activation' | 'any';
  readonly texts: readonly [
    en: readonly [name: string, because: string, about: string],
    ja: readonly [string, string, string],
  ];
}

const mechanisms: readonly Mechanism[] = [
  {
    id: 'hibernating',
    words: /hibernat/i,
    on: 'any',
    texts: [
      [
        'agent hibernates',
        'its agent went to sleep after its first call failed, and tries again at {until:time}',
        'After a failed start the official agent sleeps for 5 minutes, then 10, 20, 40, and 60 for ever.',
      ],
      [
        'エージェントの休眠',
        'エージェントが最初の呼び出しの失敗後に休眠し、{until:time} に再試行する',
        '起動時に失敗すると、公式エージェントは 5 分、その後 10、20、40 分、以後は 60 分おきに再試行します。',
      ],
    ],
  },
  {
    id: 'backing-off-auth',
    words: /access ?denied|fingerprint|not authorized|long sleep/i,
    on: 'any',
    texts: [
      [
        'waits after a refusal',
        'its agent was refused before, and waits until {until:time}',
        'After a refusal for its rights or its fingerprint the official agent sleeps 25 to 30 minutes, every time.',
      ],
      [
        '拒否後の待機',
        'エージェントが以前に拒否され、{until:time} まで待機している',
        '権限または指紋で拒否されると、公式エージェントは毎回 25〜30 分待機します。',
      ],
    ],
  },
  {
    id: 'registrar-backoff',
    words: /regist(rar|ration|ering)/i,
    on: 'ec2',
    texts: [
      [
        'waits after a failed registration',
        'its agent could not register itself, and waits until {until:time}',
        'On EC2 the wait between attempts to register grows to many hours.',
      ],
      [
        '登録失敗後の待機',
        'エージェントが自分を登録できず、{until:time} まで待機している',
        'EC2 では、登録の再試行までの待機が何時間にも伸びます。',
      ],
    ],
  },
  {
    id: 'backing-off-onprem-net',
    words: /network|timeout|dial|connect|resolve|unreachable|refused|cut|hang up/i,
    on: 'activation',
    texts: [
      [
        'waits after a broken connection',
        'its agent could not connect before, and waits until {until:time}',
        'After a failed connection the wait doubles each time, up to 30 minutes (ours: 60 seconds).',
      ],
      [
        '接続失敗後の待機',
        'エージェントが以前に接続できず、{until:time} まで待機している',
        '接続に失敗するたびに待機が 2 倍になり、最長 30 分です（Rollcall のエージェントは 60 秒）。',
      ],
    ],
  },
  {
    id: 'backing-off-ec2',
    words: /./,
    on: 'ec2',
    texts: [
      [
        'waits after an error on EC2',
        'its agent met an error before, and waits until {until:time}',
        'On EC2 the official agent waits 5 minutes, then three times 10, 20 and 40, then 60.',
      ],
      [
        'EC2 でのエラー後の待機',
        'エージェントが以前にエラーになり、{until:time} まで待機している',
        'EC2 では、公式エージェントは 5 分、次に 10、20、40 分を 3 回ずつ、以後は 60 分待機します。',
      ],
    ],
  },
  {
    id: 'backing-off-onprem-aws',
    words: /exception|invalid|error|5\d\d/i,
    on: 'activation',
    texts: [
      [
        'waits after an error of the service',
        'the service answered its agent with an error before, and it waits until {until:time}',
        'After an error of the service the wait doubles each time, up to 30 minutes; older agents know no limit.',
      ],
      [
        'サービスのエラー後の待機',
        'エージェントが以前にサービスからエラーを受け、{until:time} まで待機している',
        'サービスがエラーを返すたびに待機が 2 倍になり、最長 30 分です。古いエージェントには上限がありません。',
      ],
    ],
  },
  {
    id: 'agent-backing-off',
    words: /./,
    on: 'any',
    texts: [
      [
        'agent waits',
        'its agent waits until {until:time} before it tries again',
        'The agent waits before its next attempt, and by now nothing is in its way.',
      ],
      [
        'エージェントの待機',
        'エージェントが {until:time} まで再試行を待っている',
        'エージェントは次の試行まで待機中で、今は妨げるものがありません。',
      ],
    ],
  },
];

/** Waits, and the way is free by now: only then is waiting all that is left. */
function waits(facts: Facts, { id }: Mechanism): Finding {
  const { agent, node, path } = facts;
  if (!node || !agent) return unknown;
  const waiting = agent.waiting;
  if (!waiting || waiting.until <= node.at) return agent.processes ? excluded : unknown;
  if (waiting.reason === 'routine') return excluded;
  if (mechanismOf(facts)?.id !== id) return excluded;
  if (!path?.works) return unknown;
  const line = lineSaying(facts, /sleeping for|hibernat|retry/i);
  return proven(
    [
      observe('node', waiting.source, 'waits-until', new Date(waiting.until).toISOString(), node.at),
      observe('node', waiting.source, 'reason', waiting.reason, node.at),
      ...(line ? [observeLine(line)] : []),
    ],
    { until: String(waiting.until), reason: waiting.reason },
  );
}

function mechanismOf(facts: Facts): Mechanism | undefined {
  const { agent } = facts;
  const reason = agent?.waiting?.reason ?? '';
  const own = agent?.identity?.kind;
  // Before it has registered itself an agent on EC2 has no files that say who it is.
  const kind = (own === undefined || own === 'none') && isOnEc2(facts) ? 'ec2' : own;
  // Ours has one table, with one minute at most.
  if (agent?.kind === 'rollcall') return mechanisms.find(({ id }) => id === 'agent-backing-off');
  return mechanisms.find(({ words, on }) => words.test(reason) && (on === 'any' || on === kind));
}

const restart = {
  en: [
    'restarts the agent, which tries again at once',
    'Wait, or restart the agent: it tries again at once.',
  ],
  ja: [
    'エージェントを再起動し、すぐに再試行させます',
    '待つか、エージェントを再起動してください。すぐに再試行します。',
  ],
} as const;

function textsOf(
  [name, because, about]: readonly [string, string, string],
  [fix, explain]: readonly [string, string],
): CauseTexts {
  return { name, because, about, fix, explain };
}

/** One cause for each mechanism: who reads a log of the official agent finds its own words. */
export const waiting: readonly Cause[] = mechanisms.map((one) => ({
  id: one.id,
  gate: 'freshness',
  solution: null,
  breaks: 'listed',
  passing: true,
  near: ['role-denied', 'tcp-timeout', 'fingerprint-changed', 'agent-stopped'],
  decide: (facts) => waits(facts, one),
  fix: restartOnly,
  en: textsOf(one.texts[0], restart.en),
  ja: textsOf(one.texts[1], restart.ja),
}));
