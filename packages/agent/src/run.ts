/**
 * The agent as a process: `node run.ts --root DIR [--child]`. Logs to standard error, stops in order on SIGTERM
 * and SIGINT, and, as somebody's child, when its parent is gone. With `--warm` it only fills Node's cache.
 */
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { type Agent, openAgent } from './agent.ts';
import { systemClock } from './clock.ts';
import { systemReboot } from './commands/reboot.ts';
import { ConfigError, loadConfig } from './config.ts';
import { childLook } from './evidence/look.ts';
import { DamagedFileError, defaultRoot } from './files.ts';
import { NotRegisteredError } from './identity.ts';
import { RootInUseError } from './lock.ts';
import { openLog } from './log.ts';

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: defaultRoot },
    child: { type: 'boolean', default: false },
    warm: { type: 'boolean', default: false },
  },
});
if (values.warm) {
  await import('./commands/engine.ts');
  await import('@rollcall/probes');
  // By now everything is loaded, and on the way out Node keeps what it compiled.
  process.exit(0);
}

const write = (line: string) => void process.stderr.write(line);
// A parent that is gone reads no lines; that is told by other means.
process.stderr.on('error', () => {});

const agent = start(values.root);
let stopping = false;

function start(root: string): Agent {
  try {
    const reboot = process.getuid?.() === 0 ? { reboot: systemReboot } : {};
    const look = childLook(root, systemClock());
    return openAgent({ root, log: openLog(loadConfig(root).logLevel, write), look, ...reboot });
  } catch (error) {
    const expected = [NotRegisteredError, RootInUseError, ConfigError, DamagedFileError];
    const known = expected.some((kind) => error instanceof kind);
    openLog('info', write)('error', known ? (error as Error).message : String((error as Error).stack));
    process.exit(known ? 2 : 1);
  }
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  // Nothing that hangs may keep a service from stopping.
  setTimeout(() => process.exit(1), 5000).unref();
  await agent.close();
  process.exit(0);
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
if (process.connected) process.once('disconnect', stop);
if (values.child) {
  process.stdin.once('end', stop).once('close', stop).once('error', stop);
  process.stdin.resume();
}

// The cache of compiled code is otherwise written at the exit, which a kill would skip.
setTimeout(flushCompileCache, 2000).unref();
