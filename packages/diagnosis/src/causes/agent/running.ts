/** The agent is there: does it run, whole, and again after the next boot? */
import { isAlive, isOnEc2, observe } from '../../facts/index.ts';
import { all, onNode, serviceCommand, slot } from '../../fixes/index.ts';
import { agentName } from '../../gates.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

const tenMinutes = 10 * 60_000;

const frozen: Cause = {
  id: 'agent-frozen',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['agent-stopped', 'worker-dead-core-alive', 'cpu-or-io-starved'],
  decide({ node, agent }) {
    if (!node || !agent?.processes) return unknown;
    const stopped = agent.processes.find(({ state }) => state === 'T' || state === 't');
    if (stopped)
      return proven(
        [
          observe(
            'node',
            '/proc',
            'process-state',
            `${stopped.name} ${stopped.pid} ${stopped.state}`,
            node.at,
          ),
        ],
        {
          process: stopped.name,
          pid: String(stopped.pid),
        },
      );
    return agent.processes.every(({ state }) => state !== undefined) ? excluded : unknown;
  },
  fix({ agent }, { parameters }) {
    const kill = onNode('kill', '-CONT', slot('process', parameters.pid));
    return agent && kill && { risk: 'safe', commands: [kill], withinSeconds: 60 };
  },
  en: {
    name: 'agent is halted',
    because: "its agent's process {process} is halted (state T), and does nothing",
    fix: 'lets the process go on',
    explain:
      'Let the process go on (kill -CONT), or restart the service; find out who halted it (a debugger, a job control, a snapshot tool).',
    about:
      'The process is there and its service counts as active, but the kernel has it as stopped: somebody sent it a stop signal.',
  },
  ja: {
    name: 'エージェントの一時停止',
    because: 'エージェントのプロセス {process} が一時停止（状態 T）していて、何もしていない',
    fix: 'プロセスを再開させるだけです',
    explain:
      'プロセスを再開（kill -CONT）するか、サービスを再起動してください。止めたもの（デバッガー、ジョブ制御、スナップショットの道具）も調べてください。',
    about:
      'プロセスは存在しサービスも稼働中と見えますが、カーネルでは停止状態です。何者かが停止シグナルを送りました。',
  },
};

const stuck: Cause = {
  id: 'agent-stuck-on-io',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['agent-frozen', 'cpu-or-io-starved', 'read-only-filesystem'],
  decide({ node, agent }) {
    if (!node || !agent?.processes) return unknown;
    const waiting = agent.processes.filter(isAlive);
    if (waiting.length === 0 || waiting.some(({ state }) => state === undefined)) return unknown;
    if (!waiting.every(({ state }) => state === 'D')) return excluded;
    return likely(
      'one-moment',
      waiting.map((one) => observe('node', '/proc', 'process-state', `${one.name} ${one.pid} D`, node.at)),
    );
  },
  en: {
    name: 'agent waits for a disk',
    because: 'its agent waits for a disk that does not answer',
    explain:
      "Look at the kernel log for the disk or the network file system that hangs. Such a process can't be killed.",
    about:
      'Every process of the agent is in state D: the kernel waits for a disk or a network file system for it.',
  },
  ja: {
    name: 'エージェントのディスク待ち',
    because: 'エージェントが、応答しないディスクを待ち続けている',
    explain:
      '応答しないディスクやネットワークファイルシステムをカーネルログで確認してください。この状態のプロセスは終了させられません。',
    about:
      'エージェントのプロセスがすべて状態 D で、ディスクまたはネットワークファイルシステムの応答を待っています。',
  },
};

const masked: Cause = {
  id: 'agent-masked',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['agent-stopped', 'agent-not-enabled-at-boot'],
  decide({ node, agent, running }) {
    if (!node || !agent?.service) return unknown;
    if (running.includes(agent) || agent.service.masked === false) return excluded;
    if (agent.service.masked === undefined) return unknown;
    return proven(
      [observe('node', agent.service.manager, 'service', `${agent.service.name} masked`, node.at)],
      {
        unit: agent.service.name,
      },
    );
  },
  fix(facts) {
    const commands = all(serviceCommand(facts, 'unmask'), serviceCommand(facts, 'enable'));
    const undo = all(
      serviceCommand(facts, 'stop'),
      onNode('systemctl', 'mask', slot('unit', facts.agent?.service?.name)),
    );
    return commands && undo && { risk: 'guarded', commands, undo, withinSeconds: 60 };
  },
  en: {
    name: 'service is masked',
    because: 'the service {unit} of its agent is masked: somebody forbade it to start',
    fix: 'takes back that somebody forbade the service to start',
    explain: 'Ask who masked it; then: systemctl unmask, and enable it.',
    about: 'systemd has the unit as masked, so that nothing can start it, not even by hand.',
  },
  ja: {
    name: 'サービスの mask',
    because: 'エージェントのサービス {unit} が mask され、起動を禁じられている',
    fix: 'サービスの起動禁止を取り消します',
    explain: '誰が mask したかを確認し、systemctl unmask のあとで有効にしてください。',
    about: 'systemd でユニットが mask されていて、手動でも起動できません。',
  },
};

const crashLoop: Cause = {
  id: 'agent-crash-loop',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['oom-killed', 'agent-stopped', 'vault-corrupt', 'runtimeconfig-stale'],
  decide({ node, agent, process }) {
    if (!node || !agent?.service) return unknown;
    const { service } = agent;
    if (service.restarts === undefined) return service.active && process ? excluded : unknown;
    const isUp =
      service.active && process?.startedAt !== undefined && process.startedAt < node.at - tenMinutes;
    if (service.restarts < 3 || isUp) return excluded;
    const exit = service.lastExit;
    const recently = exit?.at !== undefined && exit.at > node.at - tenMinutes;
    const young = process?.startedAt !== undefined && process.startedAt > node.at - tenMinutes;
    const trying = /activating|auto-restart|failed|crash/i.test(service.state);
    if (!recently && !young && !trying) return excluded;
    const seen = [
      observe('node', service.manager, 'restarts', service.restarts, node.at),
      ...(exit
        ? [observe('node', service.manager, 'last-exit', exit.signal ?? exit.code ?? '?', exit.at)]
        : []),
      ...(agent.log?.lines.slice(-1).map((one) => observe('node', 'agent log', 'log', one.text, one.at)) ??
        []),
    ];
    return proven(seen, { count: String(service.restarts), exit: String(exit?.signal ?? exit?.code ?? '?') });
  },
  en: {
    name: 'agent crashes again and again',
    because: 'its agent crashes and is started again, {count} times so far (last exit: {exit})',
    explain:
      'Read the last lines before the crash in its log. Restarting is no cure: install the package again, or the version before.',
    about: 'The service manager had to start it three times or more, the last time within ten minutes.',
  },
  ja: {
    name: 'エージェントの異常終了の繰り返し',
    because: 'エージェントが異常終了と再起動を繰り返している（これまで {count} 回、最後の終了: {exit}）',
    explain:
      '終了直前のログを確認してください。再起動では直りません。パッケージを入れ直すか、前のバージョンに戻してください。',
    about: 'サービス管理が 3 回以上起動し直していて、最後の起動は 10 分以内です。',
  },
};

const notEnabled: Cause = {
  id: 'agent-not-enabled-at-boot',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['agent-stopped', 'agent-masked'],
  decide({ node, agent, running, row }) {
    if (!node || !agent?.service) return unknown;
    if (running.includes(agent) || agent.service.active) return excluded;
    if (agent.service.enabled === undefined) return unknown;
    if (agent.service.enabled) return excluded;
    // Only if it hasn't run since the boot: what was stopped after it is stopped.
    const { bootAt } = node.host;
    if (bootAt === undefined) return unknown;
    const exitAt = agent.service.lastExit?.at;
    const lastSign = Math.max(exitAt ?? 0, row?.lastPing ?? 0, agent.status?.lastHeartbeatAt ?? 0);
    if (lastSign > bootAt) return excluded;
    const seen = [
      observe(
        'node',
        agent.service.manager,
        'service',
        `${agent.service.name} disabled, ${agent.service.state}`,
        node.at,
      ),
      observe('node', 'system', 'booted', new Date(bootAt).toISOString(), node.at),
    ];
    const parameters = { unit: agent.service.name, boot: String(bootAt) };
    return lastSign > 0 ? proven(seen, parameters) : likely('no-earlier-sign', seen, parameters);
  },
  warns({ agent, running }) {
    const runs = agent !== undefined && running.includes(agent);
    return runs && agent.service?.enabled === false ? {} : undefined;
  },
  fix(facts) {
    const command = serviceCommand(facts, 'enable');
    const undo = serviceCommand(facts, 'disable');
    return command && { risk: 'safe', commands: [command], ...(undo && { undo: [undo] }), withinSeconds: 60 };
  },
  en: {
    name: 'agent does not start at boot',
    because: 'its agent is not set to start at boot, and the machine was booted at {boot:time}',
    fix: 'starts the agent now and at every boot',
    explain: 'Enable and start the service {unit}.',
    about: 'The service is disabled and does not run, and it has given no sign of life since the last boot.',
    warning: 'The agent runs, but is not set to start at boot.',
  },
  ja: {
    name: '自動起動が無効',
    because: 'エージェントの自動起動が無効なまま、{boot:time} にマシンが起動した',
    fix: 'エージェントを今すぐ起動し、以後は自動起動させます',
    explain: 'サービス {unit} を有効にして起動してください。',
    about: 'サービスが無効で動いておらず、最後の起動以降、動いた形跡がありません。',
    warning: 'エージェントは動いていますが、自動起動が無効です。',
  },
};

const stopped: Cause = {
  id: 'agent-stopped',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['agent-not-installed', 'agent-crash-loop', 'agent-not-enabled-at-boot', 'oom-killed'],
  decide(facts) {
    const { node, agent, running } = facts;
    if (!node || !agent) return unknown;
    if (running.includes(agent)) return excluded;
    if (agent.processes === undefined && agent.service === undefined) return unknown;
    if (agent.service?.active && agent.processes === undefined) return excluded;
    // Settings that can't be meant come first; and none starts with a damaged identity, ours without any: starting
    // it is no fix.
    const { configuration, identity } = agent;
    if (configuration?.files.some(({ problem }) => problem !== undefined)) return unknown;
    const isDamaged = (identity?.damage ?? []).some((words) => !words.endsWith('is whole'));
    if (isDamaged || (agent.kind === 'rollcall' && identity?.kind === 'none')) return unknown;
    // On EC2 the official one ends at once where the metadata don't tell who it is.
    const { metadata } = node;
    const isNobody = identity === undefined || identity.kind === 'none';
    const tellsNothing =
      metadata !== undefined &&
      (!metadata.answers || metadata.isImds === false || /\b403\b/.test(metadata.detail ?? ''));
    if (agent.kind === 'official' && isNobody && tellsNothing && isOnEc2(facts)) return unknown;
    const { service } = agent;
    const exit = service?.lastExit;
    return proven(
      [
        ...(service
          ? [observe('node', service.manager, 'service', `${service.name} ${service.state}`, node.at)]
          : []),
        ...(agent.processes ? [observe('node', '/proc', 'processes', '0', node.at)] : []),
        ...(exit
          ? [
              observe(
                'node',
                service?.manager ?? 'service',
                'last-exit',
                exit.signal ?? exit.code ?? '?',
                exit.at,
              ),
            ]
          : []),
      ],
      { unit: service?.name ?? agentName(agent.kind, undefined), state: service?.state ?? 'not-running' },
    );
  },
  fix(facts) {
    const command = serviceCommand(facts, 'start');
    return command && { risk: 'safe', commands: [command], withinSeconds: 60 };
  },
  en: {
    name: 'agent is stopped',
    because: 'its agent does not run ({unit}: {state:word})',
    fix: 'starts the agent; nothing else changes',
    explain: 'Start the agent in the way in which it is started on this machine.',
    about: 'The agent is installed, and none of its processes runs: somebody stopped it, or it ended.',
  },
  ja: {
    name: 'エージェントの停止',
    because: 'エージェントが動いていない（{unit}: {state:word}）',
    fix: 'エージェントを起動するだけです',
    explain: 'このマシンでの起動方法に従って、エージェントを起動してください。',
    about: 'エージェントは入っていますが、プロセスが 1 つも動いていません。止められたか、終了しました。',
  },
};

const workerDead: Cause = {
  id: 'worker-dead-core-alive',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['agent-stopped', 'agent-crash-loop', 'oom-killed'],
  decide({ node, agent, process, lines }) {
    if (!node || !agent?.processes || !process) return unknown;
    if (agent.kind !== 'official') return excluded;
    const alive = agent.processes.filter(isAlive);
    if (alive.some(({ name }) => /ssm-agent-wor/.test(name))) return excluded;
    // A worker is started within a minute, and looked after each minute; and none is while the agent waits for credentials.
    if (process.startedAt === undefined) return unknown;
    if (process.startedAt > node.at - 120_000) return excluded;
    if (agent.waiting !== undefined || agent.identity === undefined || agent.identity.kind === 'none')
      return unknown;
    const sleeps = lines.some(({ text }) =>
      /sleeping for|failed to (connect|retrieve)|EC2RoleProvider|hibernat/i.test(text),
    );
    if (sleeps) return unknown;
    return likely('worker-waits', [
      observe('node', '/proc', 'agent-running', `${process.name} ${process.pid}`, process.startedAt),
      observe('node', '/proc', 'worker', '0', node.at),
    ]);
  },
  fix(facts) {
    const command = serviceCommand(facts, 'restart');
    return command && { risk: 'safe', commands: [command], withinSeconds: 120 };
  },
  en: {
    name: 'worker of the agent is dead',
    because: 'its agent runs without its worker, and only the worker reports in',
    fix: 'restarts the agent; commands that run are ended',
    explain: 'Restart the agent, and look in its log for why the worker does not start.',
    about:
      'The official agent consists of a core and a worker. The core has run for minutes, and there is no worker.',
  },
  ja: {
    name: 'ワーカーの停止',
    because: 'エージェントのワーカーがなく、報告を送るものがいない',
    fix: 'エージェントを再起動します。実行中のコマンドは終了します',
    explain: 'エージェントを再起動し、ワーカーが起動しない理由をログで確認してください。',
    about:
      '公式エージェントは本体とワーカーから成ります。本体は数分以上動いているのに、ワーカーがありません。',
  },
};

export const running: readonly Cause[] = [frozen, masked, crashLoop, notEnabled, stopped, stuck, workerDead];
