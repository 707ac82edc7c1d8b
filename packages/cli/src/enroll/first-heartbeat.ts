/** Waits until an agent that was just started has been heard, by what it writes into its status file. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentStatus } from '@rollcall/agent';
import type { Screen } from '../output/screen.ts';

/** What came of it. */
export interface FirstHeartbeat {
  readonly ok: boolean;
  readonly line: string;
}

/** How an agent is waited for. */
export interface Wait {
  /** The status as it stands; undefined when there is none. */
  read(): AgentStatus | undefined;
  now(): number;
  /** Milliseconds; 15,000 unless told. */
  readonly patience?: number;
}

/** Waits for the first heartbeat and the channel of an agent that runs since `since` or was started before. */
export async function waitForHeartbeat(wait: Wait, screen: Screen): Promise<FirstHeartbeat> {
  const until = wait.now() + (wait.patience ?? 15_000);
  for (;;) {
    const status = wait.read();
    const runs = status !== undefined && status.state !== 'stopped' && isRunning(status.pid);
    if (runs && status.lastHeartbeat?.ok && status.state === 'connected')
      return { ok: true, line: `${screen.mark('yes')} first heartbeat, channel open` };
    if (wait.now() >= until) return tooLate(runs ? status : undefined, wait.patience ?? 15_000, screen);
    await sleep(100);
  }
}

function tooLate(status: AgentStatus | undefined, patience: number, screen: Screen): FirstHeartbeat {
  const within = `within ${Math.round(patience / 1000)} s`;
  if (status?.lastHeartbeat?.ok)
    return {
      ok: true,
      line: `${screen.mark('warning')} first heartbeat; no channel ${within}: the agent polls and tries again`,
    };
  const last = status?.lastErrors.at(-1)?.message;
  const why = status === undefined ? 'the agent does not run' : (last ?? 'it has not said why');
  return { ok: false, line: `${screen.mark('no')} no heartbeat ${within}: ${screen.text(why, 400)}` };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
