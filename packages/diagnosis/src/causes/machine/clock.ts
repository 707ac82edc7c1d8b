/** Clocks. First the server's own, then what many share, then the machine's. */
import { attemptFor, type Facts, observe, observeAttempt } from '../../facts/index.ts';
import { type Command, onNode } from '../../fixes/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

/** Signatures are accepted within five minutes. */
const tolerance = 300_000;
const worthSaying = 60_000;
/** What counts as the same skew. */
const same = 60_000;

/** How far the subject's clock is ahead of the server's, and by whose word. */
export interface Skew {
  readonly ms: number;
  readonly side: 'node' | 'records' | 'door';
  readonly at?: number;
  readonly isProven: boolean;
}

/** Reads it from whoever knows: the machine's own comparison, the refused calls, the accepted calls. */
export function skewOf(facts: Facts): Skew | undefined {
  const { node, row } = facts;
  if (node?.clock?.aheadMs !== undefined)
    return { ms: node.clock.aheadMs, side: 'node', at: node.at, isProven: true };
  const refused = attemptFor(facts, 'signature-expired', 'signature-not-yet-current');
  const seconds = /skew=([+-]?\d{1,12})s/.exec(refused?.detail ?? '')?.[1];
  if (refused && seconds !== undefined)
    return {
      ms: Number(seconds) * 1000,
      side: 'door',
      at: refused.lastAt,
      isProven: refused.proof === 'proven',
    };
  if (row?.skewMs !== undefined)
    return {
      ms: row.skewMs,
      side: 'records',
      isProven: true,
      ...(row.lastPing !== undefined && { at: row.lastPing }),
    };
  return undefined;
}

const serverClockWrong: Cause = {
  id: 'server-clock-wrong',
  gate: 'machine',
  solution: null,
  breaks: 'listed',
  whileThrough: 'likely',
  shared: true,
  near: ['clock-skew', 'certificate-expired-or-not-yet-valid'],
  decide(facts) {
    const { fleet } = facts;
    if (fleet?.medianSkewMs === undefined || fleet.skewSamples === undefined) return unknown;
    const { medianSkewMs: median, skewSamples: samples, nodes } = fleet;
    if (Math.abs(median) < worthSaying || samples < 3 || samples < nodes * 0.2) return excluded;
    const mine = skewOf(facts);
    if (mine && Math.abs(mine.ms - median) > same) return excluded;
    if (Math.abs(median) < tolerance) return unknown;
    const seen = [
      observe('records', 'nodes', 'median-skew', skew(median)),
      observe('records', 'nodes', 'skew-samples', `${samples}/${nodes}`),
    ];
    const parameters = { skew: String(-median), samples: String(samples), nodes: String(nodes) };
    return mine && samples >= nodes * 0.5
      ? proven(seen, parameters)
      : likely('by-comparison', seen, parameters);
  },
  en: {
    name: "server's own clock is wrong",
    because: "the server's own clock is off by {skew:skew}: {samples} of {nodes} nodes agree against it",
    explain: "Set the server's clock by its time service. Change nothing on the nodes.",
    about:
      'The same skew is measured at a large part of the nodes. Many clocks seldom go wrong alike: it is the server.',
  },
  ja: {
    name: 'サーバー自身の時計のずれ',
    because:
      'サーバー自身の時計が {skew:skew} ずれている（{nodes} 台中 {samples} 台のノードの時計と合わない）',
    explain: 'サーバーの時刻を時刻同期サービスで合わせてください。ノード側は変更しないでください。',
    about:
      '多数のノードで同じずれが測定されています。多くの時計が同じようにずれることはまれで、ずれているのはサーバーです。',
  },
};

const timeSourceWrong: Cause = {
  id: 'time-source-wrong',
  gate: 'machine',
  solution: null,
  breaks: 'listed',
  whileThrough: 'excluded',
  shared: true,
  near: ['clock-skew', 'server-clock-wrong'],
  decide(facts) {
    if (!facts.fleet) return unknown;
    const mine = skewOf(facts);
    const group = facts.fleet.shared?.find((one) => one.sign === 'skew');
    if (!mine || Math.abs(mine.ms) <= tolerance || !group) return excluded;
    if (group.nodes < 3 || group.nodes < group.of * 0.2) return excluded;
    return likely(
      'by-comparison',
      [
        observe(mine.side, 'clock', 'skew', skew(mine.ms), mine.at),
        observe('records', 'nodes', 'same-skew', `${group.nodes}/${group.of}`),
      ],
      { skew: String(mine.ms), count: String(group.nodes), of: String(group.of) },
    );
  },
  en: {
    name: 'shared time source is wrong',
    because:
      '{count} of {of} nodes have the same skew of {skew:skew}: the time source that they share is wrong',
    explain: 'Look at the NTP server, or the virtual machine host, that these machines take their time from.',
    about:
      'A good part of the nodes, but not most, have the same skew: they share a time source that is wrong.',
  },
  ja: {
    name: '共有する時刻源のずれ',
    because: '{of} 台中 {count} 台のノードの時計が同じく {skew:skew} ずれていて、共有する時刻源が誤っている',
    explain: 'これらのマシンが時刻を合わせている NTP サーバーや仮想化ホストを確認してください。',
    about: '一部のノードに同じずれがあります。それらが共有する時刻源が誤っています。',
  },
};

const clockSkew: Cause = {
  id: 'clock-skew',
  gate: 'machine',
  solution: null,
  breaks: 'listed',
  whileThrough: 'likely',
  sign: 'skew',
  near: ['server-clock-wrong', 'certificate-expired-or-not-yet-valid', 'ca-missing'],
  decide(facts) {
    const mine = skewOf(facts);
    if (!mine) return unknown;
    if (Math.abs(mine.ms) <= tolerance || copes(facts)) return excluded;
    const median = facts.fleet?.medianSkewMs;
    const manyAgree = (facts.fleet?.skewSamples ?? 0) >= 3;
    if (
      median !== undefined &&
      manyAgree &&
      Math.abs(median) >= tolerance &&
      Math.abs(mine.ms - median) <= same
    )
      return excluded;
    const refused = attemptFor(facts, 'signature-expired', 'signature-not-yet-current');
    const seen = [
      observe(mine.side, facts.node?.clock?.source ?? 'signature', 'skew', skew(mine.ms), mine.at),
      ...(refused ? [observeAttempt(refused)] : []),
      ...(median !== undefined ? [observe('records', 'nodes', 'median-skew', skew(median))] : []),
    ];
    const parameters = { skew: String(mine.ms) };
    if (!mine.isProven) return likely('only-claimed', seen, parameters);
    // Two clocks that differ don't tell which of them is wrong: others have to agree with the server's.
    const othersAgree = median !== undefined && manyAgree && Math.abs(median) < worthSaying;
    const isUnkept = facts.node?.clock?.synchronized === false;
    return othersAgree || isUnkept ? proven(seen, parameters) : likely('clock-alone', seen, parameters);
  },
  warns(facts) {
    const mine = skewOf(facts);
    if (!mine || Math.abs(mine.ms) < worthSaying || (Math.abs(mine.ms) > tolerance && !copes(facts)))
      return undefined;
    return { skew: String(mine.ms) };
  },
  fix(facts) {
    // Databases, etcd and Kerberos don't survive a step of the clock: who runs them must know first.
    const listens = facts.node?.host.listens;
    if (!listens || listens.some((port) => [88, 2379, 3306, 5432].includes(port))) return undefined;
    const step = stepCommand(facts);
    return step && { risk: 'guarded', commands: [step], withinSeconds: 300 };
  },
  en: {
    name: 'clock is off',
    because: 'its clock is off by {skew:skew}; signatures are accepted within 5 min',
    fix: "steps this machine's clock at once; programs that run see time jump",
    explain:
      "Set the clock by the machine's time service. Stop databases, etcd and Kerberos first: they don't take a jump well.",
    about:
      "The machine's clock differs from the server's by more than five minutes, so that every signature is refused as too old or too new. Compared in UTC: the time zone doesn't matter.",
    warning: 'The clock is off by {skew:skew}; from 5 min on it would be refused.',
  },
  ja: {
    name: '時計のずれ',
    because: '時計が {skew:skew} ずれている（署名が受け付けられるのは 5 分以内）',
    fix: 'このマシンの時計を一度に合わせます。実行中のプログラムから見ると時刻が飛びます',
    explain:
      '時刻同期サービスで時計を合わせてください。データベース、etcd、Kerberos は時刻が飛ぶと問題を起こすため、先に止めてください。',
    about:
      'マシンの時計がサーバーと 5 分以上ずれ、署名がすべて古すぎるか新しすぎるとして拒否されます。比較は UTC で行うため、タイムゾーンは関係ありません。',
    warning: '時計が {skew:skew} ずれています。5 分を超えると拒否されます。',
  },
};

/** Ours signs by the server's time, whatever the machine's clock says: while it gets through, that is no cause. */
function copes({ through, agent, row }: Facts): boolean {
  return through === true && (agent ? agent.kind === 'rollcall' : /rollcall/i.test(row?.agentName ?? ''));
}

function stepCommand({ node }: Facts): Command | undefined {
  const service = node?.clock?.service;
  if (service === 'chrony') return onNode('chronyc', 'makestep');
  if (service === 'timesyncd') return onNode('systemctl', 'restart', 'systemd-timesyncd');
  if (service === 'ntpd') return onNode('systemctl', 'restart', 'ntp');
  return undefined;
}

/** As a person reads a skew: signed, in seconds. */
function skew(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1000).toFixed(0)} s`;
}

export const clock: readonly Cause[] = [serverClockWrong, timeSourceWrong, clockSkew];
