/** Is there an agent at all, one only, and one that can run here? */
import { isAlive, isOlder, observe } from '../../facts/index.ts';
import { type Command, serviceCommandOf } from '../../fixes/index.ts';
import { agentName } from '../../gates.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

/** Oldest glibc that our agent runs with. */
const leastGlibc = '2.28';

const unsupported: Cause = {
  id: 'unsupported-os-or-arch',
  gate: 'agent',
  solution: 4,
  breaks: 'listed',
  near: ['agent-not-installed', 'agent-binary-broken'],
  decide({ node, running }) {
    if (!node) return unknown;
    if (running.length > 0) return excluded;
    const { arch, libc, platform } = node.host;
    // The official agent is linked statically: where it is installed, libc is no obstacle.
    if (node.agents.some((one) => one.kind === 'official' && one.packaging !== 'none')) return excluded;
    const why = !/^(x86_64|x64|amd64|aarch64|arm64)$/i.test(arch)
      ? arch
      : platform === 'other'
        ? node.host.os.name
        : libc?.kind === 'musl' || (libc?.kind === 'glibc' && isOlder(libc.version, leastGlibc))
          ? `${libc.kind} ${libc.version}`.trim()
          : undefined;
    if (why === undefined) return libc === undefined && platform === 'Linux' ? unknown : excluded;
    return proven(
      [
        observe('node', 'system', 'system', `${node.host.os.name} ${node.host.os.version}, ${arch}`, node.at),
        ...(libc ? [observe('node', 'system', 'libc', `${libc.kind} ${libc.version}`, node.at)] : []),
      ],
      { why, arch },
    );
  },
  en: {
    name: 'system that the agent does not support',
    because: 'no agent runs on it, and ours supports no {why}',
    explain:
      'Our agent wants Linux on x64 or arm64 with glibc 2.28 or newer. The official amazon-ssm-agent is linked statically and runs on older ones.',
    about:
      'The processor, the C library or the system is none that our agent runs on, and no other agent is there.',
  },
  ja: {
    name: '対応していない OS・アーキテクチャ',
    because: 'エージェントが動いておらず、Rollcall のエージェントは {why} に対応していない',
    explain:
      'Rollcall のエージェントには、x64 または arm64 の Linux と glibc 2.28 以降が必要です。公式の amazon-ssm-agent は静的リンクのため、より古い環境でも動きます。',
    about:
      'CPU、C ライブラリ、OS のいずれかが Rollcall のエージェントの対応外で、ほかのエージェントもありません。',
  },
};

const notInstalled: Cause = {
  id: 'agent-not-installed',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['agent-stopped', 'unsupported-os-or-arch', 'double-agent'],
  decide({ node, running }) {
    if (!node) return unknown;
    if (running.length > 0) return excluded;
    const isThere = node.agents.some(
      (one) => one.packaging !== 'none' || one.service !== undefined || one.binary !== undefined,
    );
    if (isThere) return excluded;
    // Not found is not the same as not there, for somebody who may not look everywhere.
    const hidden = node.unseen.filter(({ what }) => /\b(agents?|packages?|processes)\b/i.test(what));
    const seen = [observe('node', 'system', 'agents-found', '0', node.at)];
    const parameters = { os: node.host.os.name };
    // To root only what isn't its own concern stays hidden (another container's, say): packages and services show.
    if (node.privileged && hidden.length > 0 && hidden.every(({ what }) => what === 'some processes'))
      return likely('some-unseen', seen, parameters);
    if (hidden.length > 0) return unknown;
    return proven(seen, parameters);
  },
  fix({ node }) {
    if (node?.host.platform !== 'Linux') return undefined;
    const line: Command = { argv: ['rollcall', 'activation', 'line'], where: 'operator' };
    return { risk: 'guarded', commands: [line], withinSeconds: 120 };
  },
  en: {
    name: 'no agent installed',
    because: 'no agent is installed on it',
    fix: 'prints the line that installs and enrols an agent on that machine',
    explain: 'Install amazon-ssm-agent by the package for this system, or our agent with: rollcall enroll.',
    about: 'No package, no program, no service and no process of an agent was found on the machine.',
  },
  ja: {
    name: 'エージェントがない',
    because: 'エージェントがインストールされていない',
    fix: 'そのマシンにエージェントを入れて登録するための 1 行を表示します',
    explain:
      'この OS 用のパッケージで amazon-ssm-agent を入れるか、rollcall enroll で Rollcall のエージェントを入れてください。',
    about: 'エージェントのパッケージ、プログラム、サービス、プロセスのいずれも、マシン上に見つかりません。',
  },
};

const binaryBroken: Cause = {
  id: 'agent-binary-broken',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['agent-crash-loop', 'security-software-blocks-agent', 'noexec-mount'],
  decide({ node, agent, running }) {
    if (!node || !agent?.service) return unknown;
    if (running.some((one) => one === agent)) return excluded;
    const { lastExit, active } = agent.service;
    if (active || lastExit?.code === undefined) return lastExit === undefined && !active ? unknown : excluded;
    // 203: systemd couldn't execute it. 126 and 127: a shell couldn't.
    if (![203, 126, 127].includes(lastExit.code)) return excluded;
    if ((node.resources?.security?.denials ?? []).length > 0) return unknown;
    return proven([observe('node', agent.service.manager, 'last-exit', lastExit.code, lastExit.at)], {
      code: String(lastExit.code),
      binary: agent.binary ?? '?',
    });
  },
  en: {
    name: 'program of the agent is broken',
    because: "its agent's program can't be executed (exit code {code})",
    explain: 'The program is missing, damaged or made for another processor: install the package again.',
    about:
      'The service manager could not execute the program at all: it ended with 203, 126 or 127 before it did anything.',
  },
  ja: {
    name: 'エージェントの実行ファイルの破損',
    because: 'エージェントの実行ファイルを実行できない（終了コード {code}）',
    explain: '実行ファイルがないか、壊れているか、別の CPU 用です。パッケージを入れ直してください。',
    about:
      'サービス管理が実行ファイルを起動できず、何もしないうちに 203、126、127 のいずれかで終わっています。',
  },
};

const doubleAgent: Cause = {
  id: 'double-agent',
  gate: 'agent',
  solution: 1,
  breaks: 'working',
  near: ['cloned-machine', 'snap-channel-downgrade'],
  decide({ node, running }) {
    if (!node) return unknown;
    if (node.agents.some((one) => one.processes === undefined)) return unknown;
    const twins = running.filter((one) =>
      running.some(
        (other) =>
          other !== one &&
          (other.kind === one.kind
            ? other.binary !== one.binary || other.packaging !== one.packaging
            : sameServer(one.identity?.server, other.identity?.server)),
      ),
    );
    if (twins.length < 2) return excluded;
    return proven(
      twins.flatMap((one) => {
        const pids = (one.processes ?? []).filter(isAlive).map(({ pid }) => `process ${pid}`);
        const what = `${agentName(one.kind, one.version)} (${one.packaging}), ${pids.slice(0, 4).join(', ')}`;
        return [
          observe('node', 'processes', 'agent-running', what, node.at),
          ...(one.binary === undefined ? [] : [observe('node', 'processes', 'program', one.binary, node.at)]),
        ];
      }),
      { count: String(twins.length), packagings: twins.map((one) => one.packaging).join(' + ') },
    );
  },
  warns({ node, running }) {
    const there = (node?.agents ?? []).filter(
      (one) => one.kind === 'official' && one.packaging !== 'none',
    ).length;
    return there > 1 && running.length < 2 ? { count: String(there) } : undefined;
  },
  fix({ node, running }) {
    // One of two that run may stop; purging a package is never offered.
    const extra = running.find(
      (one) => one.kind === 'official' && one.packaging !== 'snap' && running.length > 1,
    );
    const stop = serviceCommandOf(extra, 'stop');
    const disable = serviceCommandOf(extra, 'disable');
    const enable = serviceCommandOf(extra, 'enable');
    const hasSnap = node?.agents.some((one) => one.packaging === 'snap' && running.includes(one));
    if (!hasSnap || !stop || !disable || !enable) return undefined;
    return { risk: 'guarded', commands: [stop, disable], undo: [enable], withinSeconds: 120 };
  },
  en: {
    name: 'more than one agent runs',
    because: "{count} agents run on it at once ({packagings}), and take each other's commands",
    fix: 'stops the agent of the package and keeps the one of snap; nothing is removed',
    explain:
      'Keep the agent that the image of the system ships, stop the other and take it out of the start.',
    about:
      'Two programs of an agent run at the same time: from snap and from a package, or two copies. Versions jump back and forth, commands run twice or vanish.',
    warning: '{count} agents are installed; only one runs.',
  },
  ja: {
    name: 'エージェントの重複',
    because: '{count} つのエージェントが同時に動き（{packagings}）、互いのコマンドを取り合っている',
    fix: 'パッケージ版のエージェントを止め、snap 版を残します。何も削除しません',
    explain: 'OS のイメージに付属するエージェントを残し、もう一方を止めて自動起動から外してください。',
    about:
      'snap 版とパッケージ版など、2 つのエージェントが同時に動いています。バージョンが行き来し、コマンドが二重に実行されたり消えたりします。',
    warning: 'エージェントが {count} つ入っています（動いているのは 1 つだけです）。',
  },
};

const inContainer: Cause = {
  id: 'agent-in-container',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['double-agent', 'agent-not-installed'],
  decide({ node, process, agent }) {
    if (!node || !process) return unknown;
    if (process.container === undefined) return unknown;
    if (!process.container || node.host.container === true) return excluded;
    return proven(
      [observe('node', '/proc', 'agent-running', `${agent?.binary ?? process.name} (container)`, node.at)],
      {
        pid: String(process.pid),
      },
    );
  },
  en: {
    name: 'agent runs inside a container',
    because: 'its only agent runs inside a container, and registers that instead of the machine',
    explain: 'Install an agent on the machine itself.',
    about:
      "The agent's process has another control group and other namespaces than the machine's first process.",
  },
  ja: {
    name: 'コンテナ内のエージェント',
    because: '唯一のエージェントがコンテナの中で動き、マシンではなくコンテナを登録している',
    explain: 'マシン本体にエージェントを入れてください。',
    about: 'エージェントのプロセスの cgroup と名前空間が、マシンの最初のプロセスと異なります。',
  },
};

function sameServer(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one === other;
}

export const installed: readonly Cause[] = [unsupported, notInstalled, binaryBroken];
export const howMany: readonly Cause[] = [doubleAgent, inContainer];
