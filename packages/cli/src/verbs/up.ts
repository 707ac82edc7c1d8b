/** `rollcall up`: the server in this process, and, when asked, this machine's agent in a child of it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { connectionIn } from '../context.ts';
import type { Io } from '../io.ts';
import { screenOf } from '../output/screen.ts';
import { giveBackMemory } from '../up/give-back.ts';
import { type LocalNode, startLocalNode } from '../up/local-node.ts';
import { readUpOptions, type UpFlags, type UpOptions } from '../up/options.ts';
import { rememberStart, type StartFlags, startFlags } from '../up/restart.ts';
import { explained, type RunningServer, startServer } from '../up/server.ts';
import { welcome } from '../up/welcome.ts';
import { version } from '../version.ts';

const collect = (value: string, before: string[] = []) => [...before, value];

/** Declares `up`. */
export function up(command: Command, io: Io): void {
  command
    .description(
      'Starts the server. Each flag is also a variable: --public-url is\nROLLCALL_PUBLIC_URL, lists separated by commas; a flag wins.',
    )
    .option(
      '--listen <host:port>',
      'where to listen (localhost:8443; all addresses, and its port, when a --public-url is not loopback)',
    )
    .option('--public-url <url>', 'how others reach it; goes into the certificate; repeatable', collect)
    .option('--data <dir>', 'database, keys, certificates (rollcall-data beside the launcher)')
    .option('--region <name>', 'a region to serve; repeatable; the first is the default (us-east-1)', collect)
    .option('--account <id>', 'twelve digits that ARNs show (000000000000)')
    .option('--domain <name>', 'serve ssm.REGION.NAME and kin as well')
    .option(
      '--store <store>',
      'sqlite, or postgres://USER:PASSWORD@HOST/DATABASE; the variable keeps the password out of ps (sqlite)',
    )
    .option('--tls-cert <file>', 'your certificate chain, PEM (a private CA of its own)')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--metrics <host:port>', 'Prometheus metrics, or off (127.0.0.1:9464)')
    .option('--proxy-protocol <cidr>', 'believe the PROXY header from there; repeatable', collect)
    .option('--log-level <level>', 'trace, debug, info, warn, error or fatal (info)')
    .option('--local-node', 'make this machine a node too; npm start does')
    .option('--no-local-node', 'do not')
    .option('--successor-ca', 'make a new CA, hand it out, let it serve once all nodes have it')
    .option('--cut-off-nodes <n>', "start although so many nodes don't trust the certificate")
    .addHelpText(
      'after',
      `
For example:
  rollcall up --local-node
  rollcall up --public-url https://rollcall.lan:8443 --data /var/lib/rollcall

Ctrl-C stops it cleanly, a second one at once.`,
    )
    .action((flags: UpFlags) => run(readUpOptions(flags, io), startFlags(flags, io), io));
}

async function run(options: UpOptions, start: StartFlags, io: Io): Promise<void> {
  const firstStart = !existsSync(path.join(options.data, 'connection.json'));
  const life = openLife(io);
  try {
    life.server = await startServer(options);
    if (life.ending) return;
    const connection = connectionIn(options.data, 'named');
    rememberStart(options.data, start);
    if (options.localNode)
      life.node = await startLocalNode(connection, localUrl(options, connection.url), io).catch(explain);
    if (life.ending) return;
    const facts = { options, connection, node: life.node, firstStart, start, version: version() };
    io.stdout.write(`${welcome(facts, io, screenOf(io)).join('\n')}\n`);
    // Not at once: whoever waited for the server comes first.
    setTimeout(giveBackMemory, 1_000).unref();
    await life.server.stopped;
  } catch (error) {
    // What breaks because we are ending is no news.
    if (!life.ending) throw error;
  } finally {
    await life.end();
  }
}

function explain(error: unknown): never {
  throw explained(error);
}

/** What has been started so far, and its orderly end: the node first, so that the server sees it leave. */
interface Life {
  server: RunningServer | undefined;
  node: LocalNode | undefined;
  readonly ending: boolean;
  /** Ends whatever is up by now. */
  end(): Promise<void>;
}

/** One Ctrl-C may come twice: from the terminal, and passed on by npm. */
const echo = 300;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function openLife(io: Io): Life {
  let ending = false;
  const life: Life = {
    server: undefined,
    node: undefined,
    get ending() {
      return ending;
    },
    async end() {
      ending = true;
      await life.node?.stop();
      await life.server?.stop();
    },
  };
  let askedAt = 0;
  const onSignal = () => {
    if (ending && io.now() - askedAt < echo) return;
    if (ending) {
      life.node?.kill();
      process.exit(130);
    }
    askedAt = io.now();
    if (io.stderr.isTTY) io.stderr.write('\nStopping; once more stops at once.\n');
    // What is still on its way up is ended by `run`, when it has come up.
    void life.end().catch(() => undefined);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return life;
}

/**
 * The URL for the node beside the server: one that stays the same when the server gets another public name.
 * A certificate of the operator's own isn't for localhost, though.
 */
function localUrl(options: UpOptions, url: string): string {
  const onLoopback = ['localhost', '127.0.0.1', '::1', '::', '0.0.0.0'].includes(options.listen.host);
  return onLoopback && !options.tlsCert ? `https://localhost:${options.listen.port}` : url;
}
