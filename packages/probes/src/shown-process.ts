/** A process as evidence: what may be shown of it. */
import type { ProcessEvidence } from '@rollcall/diagnosis';
import { redactText, shownEnvironment } from '@rollcall/diagnosis/collected';
import type { Seen } from './machine/processes.ts';

/** Leaves out its arguments, and its environment but for proxies and trust. */
export function shownProcess(process: Seen): ProcessEvidence {
  const { pid, name, exe, state, uid, startedAt, environment, openFiles, container } = process;
  return {
    pid,
    name: redactText(name, 64),
    state,
    ...(exe === undefined ? {} : { exe: redactText(exe, 300) }),
    ...(uid === undefined ? {} : { user: uid === 0 ? 'root' : String(uid) }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(environment === undefined ? {} : { environment: shownEnvironment(environment, 'none') }),
    ...(openFiles === undefined ? {} : { openFiles }),
    ...(container ? { container: true } : {}),
  };
}
