/** The last step of enrolling: the agent runs, as a service or in the foreground, or is said not to run. */

import { statSync } from 'node:fs';
import os from 'node:os';
import process from 'node:process';
import { exitCodes } from '../failure.ts';
import { wrap } from '../output/table.ts';
import { type Enrolled, type Enrolment, launcher, rootFlag } from './enroll.ts';
import { waitForHeartbeat } from './first-heartbeat.ts';
import { installService, serviceName } from './service.ts';

/** Installs and starts the service where there is systemd, waits for the first heartbeat, and says so. */
export async function startService(enrolment: Enrolment, systemd: boolean, node: Enrolled): Promise<void> {
  const { options, io, machine, screen, agent, say } = enrolment;
  const { root } = options;
  const call = launcher(enrolment);
  if (options.start === 'not' || !systemd) {
    const why = options.start === 'not' ? '--no-service' : "systemd doesn't run this machine";
    say(
      `${screen.mark('skipped')} no service was installed: ${why}`,
      `${node.nodeId} is registered. It is Online while its agent runs:`,
      `  ${call} enroll --foreground${rootFlag(root)}`,
    );
    return;
  }
  const { file, args } = agent.agentProcess({ root });
  const done = await installService(machine, { file, args }, root, {
    restart: node.changed || isOlderThanProgram(enrolment),
  });
  const words = { installed: 'started', restarted: 'restarted', running: 'runs already' }[done];
  say(`${screen.mark('yes')} service ${serviceName} ${words}, starts at boot`);
  const heard = await waitForHeartbeat({ read: () => agent.readStatus(root), now: io.now }, screen);
  say(...wrap(heard.line));
  if (!heard.ok) {
    io.exit(exitCodes.no);
    say('The agent goes on trying. What it says:', `  journalctl -u ${serviceName} -n 20`);
    return;
  }
  const undo = `${call} leave${rootFlag(root)}`;
  const last = `${os.hostname()} is in the list. To leave again:`;
  say(...(last.length + undo.length < 80 ? [`${last} ${undo}`] : [last, `  ${undo}`]));
}

/** Whether the running agent was started before the program's files were last replaced. */
function isOlderThanProgram({ options, io, agent }: Enrolment): boolean {
  const started = Date.parse(agent.readStatus(options.root)?.startedAt ?? '');
  // The change time: an unpacked file keeps the time at which it was written elsewhere.
  const replaced = statSync(io.launcher, { throwIfNoEntry: false })?.ctimeMs ?? 0;
  return !Number.isNaN(started) && started < replaced;
}

/** Becomes the agent: the same process goes on as it, so that signals and its end need nobody between. */
export function runInForeground({ options, agent, screen, say }: Enrolment): void {
  const { file, args, env } = agent.agentProcess({ root: options.root });
  say(`${screen.mark('yes')} the agent runs in the foreground; Ctrl-C stops it`);
  process.execve!(file, [file, ...args], { ...env });
}
