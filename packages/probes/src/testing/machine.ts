/** A machine made of a folder, for tests: its files, its commands, its clock. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CollectOptions } from '../collect.ts';
import type { Ran, Runner } from '../machine/sight.ts';

/** A machine. */
export interface TestMachine {
  readonly folder: string;
  readonly options: CollectOptions;
  /** What was run, as one text each. */
  readonly ran: readonly string[];
  put(path: string, text: string | Buffer): void;
  link(path: string, target: string): void;
}

/** What a command says: its output, or how it ended. */
export type Saying = string | Partial<Ran>;

/** The moment that it is on the machine. */
export const now = Date.parse('2026-11-25T12:00:00Z');
const bootSeconds = Math.floor(now / 1000) - 3600;

/** Makes one that is up for an hour, of a distribution without any agent; gone when the test ends. */
export function makeMachine(t: TestContext, commands: Readonly<Record<string, Saying>> = {}): TestMachine {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-machine-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const ran: string[] = [];
  const run: Runner = async (command, args) => {
    const line = [command, ...args].join(' ');
    ran.push(line);
    // The longest beginning that is known answers.
    const name = Object.keys(commands)
      .filter((begin) => line === begin || line.startsWith(`${begin} `))
      .sort((one, other) => other.length - one.length)[0];
    if (line.startsWith('getent ')) return { code: 2, out: '', err: '' };
    if (name === undefined) return undefined;
    const saying = commands[name]!;
    if (typeof saying === 'string') return { code: 0, out: saying, err: '' };
    return { code: 0, out: '', err: '', ...saying };
  };
  const machine: TestMachine = {
    folder,
    ran,
    options: {
      files: folder,
      run,
      now: () => now,
      environment: {},
      platform: 'linux',
      privileged: true,
      metadata: false,
      resolvers: [],
      interfaces: () => ({
        eth0: [
          {
            address: '10.1.2.3',
            netmask: '255.255.255.0',
            family: 'IPv4',
            mac: '02:00:00:00:00:01',
            internal: false,
            cidr: '10.1.2.3/24',
          },
        ],
      }),
    },
    put(path, text) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    },
    link(path, target) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      symlinkSync(target, file);
    },
  };
  machine.put('/proc/stat', `cpu 1 2 3\nbtime ${bootSeconds}\n`);
  machine.put('/proc/1/comm', 'systemd\n');
  machine.put('/proc/1/stat', '1 (systemd) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n');
  machine.put('/proc/sys/kernel/hostname', 'web-07\n');
  machine.put('/proc/sys/kernel/osrelease', '6.1.0-28-amd64\n');
  machine.put('/proc/self/mountinfo', '27 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n');
  machine.put('/etc/machine-id', '0123456789abcdef0123456789abcdef\n');
  machine.put('/etc/os-release', 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n');
  return machine;
}

/** Puts a process there. `after` is how many seconds after the boot it started. */
export function putProcess(
  machine: TestMachine,
  process: {
    pid: number;
    exe: string;
    argv?: readonly string[];
    state?: string;
    after?: number;
    uid?: number;
    environment?: Readonly<Record<string, string>>;
  },
): void {
  const { pid, exe, argv = [exe], state = 'S', after = 60, uid = 0, environment = {} } = process;
  const short = exe.slice(exe.lastIndexOf('/') + 1).slice(0, 15);
  const zeros = Array.from({ length: 16 }, () => '0').join(' ');
  machine.put(`/proc/${pid}/stat`, `${pid} (${short}) ${state} 1 ${zeros} 0 ${after * 100} 0 0\n`);
  machine.put(`/proc/${pid}/comm`, `${short}\n`);
  machine.put(`/proc/${pid}/cmdline`, `${argv.join('\0')}\0`);
  machine.put(`/proc/${pid}/status`, `Name:\t${short}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
  machine.put(
    `/proc/${pid}/limits`,
    'Limit  Soft\nMax open files            1024                 4096                 files\n',
  );
  machine.put(`/proc/${pid}/fd/0`, '');
  const entries = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
  machine.put(`/proc/${pid}/environ`, entries.join(''));
  machine.link(`/proc/${pid}/exe`, exe);
}
