/** No room, or none that may be used, where the agent writes. */
import type { ResourceEvidence } from '../../evidence/index.ts';
import { type Facts, observe } from '../../facts/index.ts';
import { type Cause, excluded, type Finding, likely, proven, unknown } from '../cause.ts';

type Disk = ResourceEvidence['disks'][number];

/** Below this an agent can't write its state any more. */
const least = 5 * 1024 * 1024;

/** Decides by the disks that the agent uses: the first that `isBad`. */
function byDisk(facts: Facts, isBad: (disk: Disk) => boolean, shown: (disk: Disk) => string): Finding {
  const disks = facts.node?.resources?.disks;
  if (!disks || disks.length === 0) return unknown;
  const bad = disks.find(isBad);
  if (!bad) return excluded;
  return proven([observe('node', 'disk', bad.mount, shown(bad), facts.node?.at)], {
    path: bad.path,
    mount: bad.mount,
    free: String(bad.freeBytes),
  });
}

const readOnly: Cause = {
  id: 'read-only-filesystem',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  whileThrough: 'stands',
  near: ['disk-full', 'vault-unreadable'],
  decide: (facts) =>
    byDisk(
      facts,
      (disk) => disk.readOnly === true || /EROFS|read-only/i.test(disk.write ?? ''),
      (disk) => (disk.write === undefined ? 'read-only' : `read-only, ${disk.write}`),
    ),
  en: {
    name: 'file system is read-only',
    because: 'the file system {mount} is read-only, and the agent has to write to {path}',
    explain:
      'Look at the kernel log for disk errors before mounting it writable again; a damaged disk gets worse by writing.',
    about:
      'Where the agent keeps its state, nothing can be written: mounted so, or set so by the kernel after disk errors.',
  },
  ja: {
    name: 'ファイルシステムが読み取り専用',
    because: 'エージェントが書き込む {path} のあるファイルシステム {mount} が読み取り専用になっている',
    explain:
      '書き込み可能に戻す前に、カーネルログでディスクのエラーを確認してください。壊れたディスクは書き込むと悪化します。',
    about:
      'エージェントの状態を保存する場所に書き込めません。読み取り専用でマウントされたか、ディスクのエラー後にカーネルがそうしました。',
  },
};

const inodesFull: Cause = {
  id: 'inodes-full',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  whileThrough: 'stands',
  near: ['disk-full', 'inotify-exhausted'],
  decide: (facts) =>
    byDisk(
      facts,
      (disk) =>
        disk.freeInodes !== undefined &&
        (disk.totalInodes ?? 0) > 0 &&
        disk.freeInodes < 16 &&
        disk.freeBytes >= least,
      (disk) => `inodes ${disk.freeInodes}/${disk.totalInodes}`,
    ),
  en: {
    name: 'no inodes left',
    because: 'the file system {mount} has no inodes left: no file can be made, although there is room',
    explain:
      'Find the folder with very many small files (often what old commands left) and clear what is old in it.',
    about:
      'Free bytes, but no free inodes where the agent writes: every new file fails with "no space left on device".',
  },
  ja: {
    name: 'inode の不足',
    because: 'ファイルシステム {mount} の inode が尽き、空き容量があるのにファイルを作れない',
    explain:
      '小さなファイルが極端に多いフォルダー（多くは古いコマンドの残り）を探し、古いものを片付けてください。',
    about:
      '空き容量はあるのに、エージェントが書き込む場所の inode が尽きています。新しいファイルを作ろうとすると「no space left on device」になります。',
  },
};

const diskFull: Cause = {
  id: 'disk-full',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  whileThrough: 'stands',
  near: ['inodes-full', 'read-only-filesystem', 'inotify-exhausted'],
  decide: (facts) =>
    byDisk(
      facts,
      (disk) => disk.freeBytes < least || /ENOSPC|EDQUOT|no space/i.test(disk.write ?? ''),
      (disk) => `${bytes(disk.freeBytes)} / ${bytes(disk.totalBytes)}`,
    ),
  warns({ node }) {
    const disk = node?.resources?.disks.find(
      ({ freeBytes, totalBytes }) => freeBytes < 100 * 1024 * 1024 && freeBytes < totalBytes * 0.02,
    );
    return disk && { mount: disk.mount, free: String(disk.freeBytes) };
  },
  en: {
    name: 'disk full',
    because: 'its disk is full: {free:bytes} left on {mount}, where the agent writes',
    explain:
      "Free some room on {mount}: old logs and what old commands left first. Don't delete the agent's own folder.",
    about:
      'Less than 5 MiB are left where the agent writes, or a write of a few bytes failed. Sessions hang, state files get cut off.',
    warning: 'Only {free:bytes} are left on {mount}.',
  },
  ja: {
    name: 'ディスクの空き不足',
    because: 'エージェントが書き込む {mount} の空きが {free:bytes} しかない',
    explain:
      '{mount} の空きを増やしてください。まず古いログや古いコマンドの残りを片付けます。エージェント自身のフォルダーは消さないでください。',
    about:
      'エージェントが書き込む場所の空きが 5 MiB 未満か、数バイトの書き込みに失敗しました。セッションは止まり、状態ファイルは途中で切れます。',
    warning: '{mount} の空きが {free:bytes} しかありません。',
  },
};

const noexec: Cause = {
  id: 'noexec-mount',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  whileThrough: 'stands',
  near: ['security-software-blocks-agent', 'disk-full'],
  decide(facts) {
    // Ours hands each script to the shell to read: it executes no file of its folder.
    if (facts.agent?.kind === 'rollcall') return excluded;
    // A temporary folder with noexec is common and harms nothing by itself: only where the agent runs scripts.
    return byDisk(
      facts,
      (disk) => disk.noexec === true && !/^\/(tmp|dev\/shm|run)(\/|$)/.test(disk.path),
      () => 'noexec',
    );
  },
  en: {
    name: 'scripts may not be executed',
    because: 'the file system {mount} is mounted noexec, and the agent runs commands from {path}',
    explain:
      "Mount it without noexec, or move the agent's folder (official agent: OrchestrationRootDir in amazon-ssm-agent.json).",
    about: 'The node is in the list, and each command fails with "permission denied" or exit code 126.',
  },
  ja: {
    name: 'スクリプトを実行できないマウント',
    because:
      'エージェントがコマンドを実行する {path} のあるファイルシステム {mount} が noexec でマウントされている',
    explain:
      'noexec を外してマウントし直すか、エージェントの作業フォルダーを移してください（公式エージェントは amazon-ssm-agent.json の OrchestrationRootDir）。',
    about:
      'ノードは一覧にありますが、コマンドはすべて「permission denied」または終了コード 126 で失敗します。',
  },
};

const explosion: Cause = {
  id: 'orchestration-dir-explosion',
  gate: 'machine',
  solution: null,
  breaks: 'working',
  whileThrough: 'stands',
  near: ['inodes-full', 'cpu-or-io-starved'],
  decide({ node, running, path, through, channelOpen }) {
    const entries = node?.resources?.orchestrationEntries;
    if (entries === undefined) return unknown;
    // Many old folders slow an agent down; where it works nevertheless, they are no cause.
    if (entries < 100_000 || (through && channelOpen !== false)) return excluded;
    // They keep no agent from running, and nothing from its way.
    if (running.length === 0) return excluded;
    if (path?.fault) return unknown;
    return likely('by-amount', [observe('node', 'disk', 'orchestration-entries', entries, node?.at)], {
      count: String(entries),
    });
  },
  en: {
    name: 'too many leftovers of commands',
    because: 'old commands left {count} folders that the agent reads through each time',
    explain:
      "Delete folders older than a month under document/orchestration in the agent's data folder, while the agent is stopped.",
    about:
      'The folder with what commands leave has more than 100,000 entries; the agent spends its time reading them.',
  },
  ja: {
    name: 'コマンドの残骸が多すぎる',
    because: '古いコマンドの残したフォルダーが {count} 個あり、エージェントが毎回すべて読んでいる',
    explain:
      'エージェントを止めてから、データフォルダーの document/orchestration にある 1 か月より古いフォルダーを消してください。',
    about: 'コマンドの残すフォルダーが 10 万個を超え、エージェントがそれを読むことに時間を使っています。',
  },
};

function bytes(count: number): string {
  return count < 10 * 1024 ** 3
    ? `${Math.round(count / 1024 ** 2)} MiB`
    : `${Math.round(count / 1024 ** 3)} GiB`;
}

export const disk: readonly Cause[] = [readOnly, inodesFull, diskFull, noexec, explosion];
