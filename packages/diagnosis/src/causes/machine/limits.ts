/** Memory, time, files: what a machine runs out of. */
import { isAlive, lineSaying, observe, observeLine } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

const agentProcess = /ssm|rollcall/i;
const hour = 60 * 60_000;

const oomKilled: Cause = {
  id: 'oom-killed',
  gate: 'machine',
  solution: null,
  breaks: 'listed',
  near: ['agent-crash-loop', 'cpu-or-io-starved', 'agent-stopped'],
  decide({ node, agent, running }) {
    const memory = node?.resources?.memory;
    if (!node || !memory?.kills) return unknown;
    const kills = memory.kills.filter(
      ({ process, at }) => agentProcess.test(process) && (at ?? 0) > node.at - 24 * hour,
    );
    const last = kills.at(-1);
    if (!last) return excluded;
    // It was killed and runs again since: then memory isn't what keeps it out now.
    const started = Math.max(0, ...(agent?.processes ?? []).filter(isAlive).map((one) => one.startedAt ?? 0));
    const recent = (last.at ?? 0) > node.at - hour / 4;
    if (running.length > 0 && last.at !== undefined && started > last.at && !recent) return excluded;
    const seen = [
      observe('node', 'kernel log', 'oom-kill', last.process, last.at),
      observe(
        'node',
        'memory',
        'memory-free',
        `${mebibytes(memory.availableBytes)} / ${mebibytes(memory.totalBytes)}`,
        node.at,
      ),
    ];
    const parameters = { process: last.process, count: String(kills.length) };
    if (last.at === undefined) return likely('no-time', seen, parameters);
    return proven(seen, parameters);
  },
  en: {
    name: 'killed for want of memory',
    because: 'the kernel killed {process} for want of memory ({count} times within a day)',
    explain:
      'Give the machine more memory or swap, or limit what takes it. Starting the agent again helps until the next time.',
    about: "The kernel's log names a process of the agent among those that it killed when memory ran out.",
  },
  ja: {
    name: 'メモリ不足による強制終了',
    because: 'メモリ不足のためカーネルが {process} を強制終了した（24 時間に {count} 回）',
    explain:
      'メモリかスワップを増やすか、メモリを使っているものを制限してください。エージェントを起動し直しても、次に不足するまでしか持ちません。',
    about:
      'メモリ不足でカーネルが強制終了したプロセスの中に、エージェントのものがカーネルログに記録されています。',
  },
};

const starved: Cause = {
  id: 'cpu-or-io-starved',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  whileThrough: 'excluded',
  near: ['oom-killed', 'orchestration-dir-explosion', 'agent-frozen'],
  decide({ node, running }) {
    const pressure = node?.resources?.pressure;
    if (!node || !pressure) return unknown;
    // It slows an agent down; it doesn't take one away.
    if (running.length === 0) return excluded;
    const worst = (['memory', 'io', 'cpu'] as const)
      .map((what) => ({ what, share: pressure[what] ?? 0 }))
      .reduce((one, other) => (other.share > one.share ? other : one));
    // Of the processor it is only told how long something waited: any busy machine has half of the time.
    if (worst.share < (worst.what === 'cpu' ? 95 : 50)) return excluded;
    return likely(
      'by-amount',
      [observe('node', '/proc/pressure', worst.what, `${worst.share.toFixed(0)} %`, node.at)],
      {
        what: worst.what,
        share: worst.share.toFixed(0),
      },
    );
  },
  en: {
    name: 'machine is starved',
    because: 'everything on it waited for {what} during {share} % of the last minute',
    explain: 'Find what uses it up (top, iotop), and stop or limit that.',
    about:
      'The kernel reports that all programs together waited for processor, memory or disk for more than half of the time.',
  },
  ja: {
    name: 'マシンの資源不足',
    because: '直近 1 分間の {share} % で、すべての処理が {what} を待っていた',
    explain: 'top や iotop で使い切っているものを探し、止めるか制限してください。',
    about:
      '全プログラムが CPU、メモリ、ディスクのいずれかを待っていた時間が半分を超えたと、カーネルが報告しています。',
  },
};

const inotify: Cause = {
  id: 'inotify-exhausted',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  whileThrough: 'likely',
  near: ['disk-full', 'inodes-full'],
  decide(facts) {
    const { node, agent } = facts;
    const limits = node?.resources?.inotify;
    const line = lineSaying(
      facts,
      /add watch: no space left on device|failed to create channel: no space left/i,
    );
    // Only the official agent watches folders.
    if (agent && agent.kind !== 'official') return excluded;
    if (!limits) return unknown;
    const full =
      (limits.instances ?? 0) >= (limits.maxInstances ?? Infinity) ||
      (limits.watches ?? 0) >= (limits.maxWatches ?? Infinity);
    if (!full) return excluded;
    const seen = [
      observe(
        'node',
        '/proc/sys/fs/inotify',
        'instances',
        `${limits.instances ?? '?'}/${limits.maxInstances ?? '?'}`,
        node?.at,
      ),
      observe(
        'node',
        '/proc/sys/fs/inotify',
        'watches',
        `${limits.watches ?? '?'}/${limits.maxWatches ?? '?'}`,
        node?.at,
      ),
      ...(line ? [observeLine(line)] : []),
    ];
    return line ? proven(seen) : likely('by-amount', seen);
  },
  en: {
    name: 'no file watches left',
    because: 'the machine has no inotify watches left, and the agent needs some',
    explain:
      'Raise fs.inotify.max_user_instances and max_user_watches, and find the program that uses them up.',
    about:
      'The official agent watches folders for its messages. With the kernel\'s limit reached it says "no space left on device" although disks have room.',
  },
  ja: {
    name: 'inotify の上限',
    because: 'エージェントに必要な inotify の監視枠が尽きている',
    explain:
      'fs.inotify.max_user_instances と max_user_watches を上げ、使い切っているプログラムを探してください。',
    about:
      '公式エージェントはフォルダーを監視してメッセージをやり取りします。カーネルの上限に達すると、ディスクに空きがあっても「no space left on device」と記録します。',
  },
};

const files: Cause = {
  id: 'file-descriptors-exhausted',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  near: ['inotify-exhausted', 'processes-exhausted'],
  decide({ node, agent }) {
    const ofAll = node?.resources?.files;
    const own = (agent?.processes ?? []).flatMap((one) =>
      one.openFiles ? [{ ...one.openFiles, name: one.name }] : [],
    );
    if (!ofAll && own.length === 0) return unknown;
    const full = own.find(({ count, limit }) => limit > 0 && count >= limit - 2);
    if (full)
      return proven(
        [observe('node', '/proc', 'open-files', `${full.name} ${full.count}/${full.limit}`, node?.at)],
        {
          count: String(full.count),
          who: full.name,
        },
      );
    if (!ofAll || ofAll.max <= 0 || ofAll.open < ofAll.max * 0.99) return excluded;
    return proven(
      [observe('node', '/proc/sys/fs/file-nr', 'open-files', `${ofAll.open}/${ofAll.max}`, node?.at)],
      {
        count: String(ofAll.open),
        who: node?.host.name ?? '?',
      },
    );
  },
  en: {
    name: 'no open files left',
    because: '{who} has {count} files open and may open no more',
    explain:
      'Restart what leaks them; raise the limit (LimitNOFILE of the unit, or fs.file-max) if it is really needed.',
    about:
      'A process of the agent, or the whole machine, has reached its limit of open files: no connection can be opened.',
  },
  ja: {
    name: 'ファイルディスクリプターの上限',
    because: '{who} が {count} 個のファイルを開いていて、上限に達している',
    explain:
      '漏らしているプログラムを再起動してください。本当に必要なら上限（ユニットの LimitNOFILE、または fs.file-max）を上げます。',
    about:
      'エージェントのプロセスまたはマシン全体が、開けるファイル数の上限に達しました。新しい接続を開けません。',
  },
};

const processes: Cause = {
  id: 'processes-exhausted',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  near: ['file-descriptors-exhausted', 'cpu-or-io-starved'],
  decide({ node }) {
    const limit = node?.resources?.processes;
    if (!limit) return unknown;
    if (limit.max <= 0 || limit.count < limit.max * 0.99) return excluded;
    return proven([observe('node', '/proc', 'processes', `${limit.count}/${limit.max}`, node?.at)], {
      count: String(limit.count),
    });
  },
  en: {
    name: 'no processes left',
    because: 'the machine runs {count} processes and may start no more',
    explain: 'Find the program that starts so many, and stop it.',
    about: "The kernel's limit of processes is reached: the agent can't start its worker, nor any command.",
  },
  ja: {
    name: 'プロセス数の上限',
    because: 'マシンのプロセスが {count} 個になり、新しく起動できない',
    explain: '大量に起動しているプログラムを探して止めてください。',
    about: 'カーネルのプロセス数の上限に達し、エージェントはワーカーもコマンドも起動できません。',
  },
};

function mebibytes(count: number): string {
  return `${Math.round(count / 1024 ** 2)} MiB`;
}

export const limits: readonly Cause[] = [oomKilled, inotify, files, processes, starved];
