/** Starting, restarting and enabling an agent, in the words of whichever manager has it. */
import type { FixPlan } from '../causes/cause.ts';
import type { AgentEvidence, ServiceEvidence } from '../evidence/index.ts';
import type { Facts } from '../facts/index.ts';
import { type Command, onNode, slot } from './slots.ts';

type Action = 'start' | 'stop' | 'restart' | 'enable' | 'disable' | 'unmask';
type Manager = ServiceEvidence['manager'];

const words: Readonly<Record<Manager, Partial<Record<Action, (name: string) => readonly string[]>>>> = {
  systemd: {
    start: (name) => ['systemctl', 'start', name],
    stop: (name) => ['systemctl', 'stop', name],
    restart: (name) => ['systemctl', 'restart', name],
    enable: (name) => ['systemctl', 'enable', '--now', name],
    disable: (name) => ['systemctl', 'disable', name],
    unmask: (name) => ['systemctl', 'unmask', name],
  },
  snap: {
    start: (name) => ['snap', 'start', name],
    stop: (name) => ['snap', 'stop', name],
    restart: (name) => ['snap', 'restart', name],
    enable: (name) => ['snap', 'start', '--enable', name],
    disable: (name) => ['snap', 'stop', '--disable', name],
  },
  openrc: {
    start: (name) => ['rc-service', name, 'start'],
    stop: (name) => ['rc-service', name, 'stop'],
    restart: (name) => ['rc-service', name, 'restart'],
    enable: (name) => ['rc-update', 'add', name, 'default'],
    disable: (name) => ['rc-update', 'del', name, 'default'],
  },
  upstart: {
    start: (name) => ['start', name],
    stop: (name) => ['stop', name],
    restart: (name) => ['restart', name],
  },
  launchd: {
    start: (name) => ['launchctl', 'kickstart', `system/${name}`],
    restart: (name) => ['launchctl', 'kickstart', '-k', `system/${name}`],
    enable: (name) => ['launchctl', 'enable', `system/${name}`],
    disable: (name) => ['launchctl', 'disable', `system/${name}`],
  },
  windows: {
    start: (name) => ['sc.exe', 'start', name],
    stop: (name) => ['sc.exe', 'stop', name],
    enable: (name) => ['sc.exe', 'config', name, 'start=', 'auto'],
    disable: (name) => ['sc.exe', 'config', name, 'start=', 'demand'],
  },
};

/** The command for the judged agent; undefined when no manager has it, or has no such command. */
export function serviceCommand(facts: Facts, action: Action): Command | undefined {
  if (facts.node || !facts.row) return serviceCommandOf(facts.agent, action);
  // Nobody looked: what Linux machines have in most cases, and only for what can do no harm elsewhere.
  const { platform, agentName = '' } = facts.row;
  const isUsual = platform === 'Linux' && /^(amazon-ssm-agent|rollcall-agent)$/.test(agentName);
  return isUsual && action === 'restart' ? onNode(...(words.systemd.restart?.(agentName) ?? [])) : undefined;
}

/** The same for any agent. */
export function serviceCommandOf(agent: AgentEvidence | undefined, action: Action): Command | undefined {
  const name = slot('unit', agent?.service?.name);
  const argv = agent?.service && name !== undefined && words[agent.service.manager][action]?.(name);
  return argv ? onNode(...argv) : undefined;
}

/** A fix that is one restart: it ends waiting, and changes nothing. */
export function restartOnly(facts: Facts): FixPlan | undefined {
  const command = serviceCommand(facts, 'restart');
  return command && { risk: 'safe', commands: [command], withinSeconds: 60 };
}
