/** `moto_server`, which simulates the same API in memory, without checking who calls: a peer, where it is at hand. */
import { spawn, spawnSync } from 'node:child_process';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { signRequest } from '@rollcall/wire';
import { freePort } from '../../test/harness/server.ts';
import { region } from './books.ts';
import { canPin } from './children.ts';

/** What to say where there is none. */
export const noMoto = 'moto_server is not at hand (python3 -m moto.server)';

/** One that is running. */
export interface Moto {
  readonly port: number;
  readonly pid: number;
  call(name: string, input: object): Promise<{ readonly status: number; readonly bytes: number }>;
  stop(): void;
}

/** Whether it is installed. */
export function hasMoto(): boolean {
  return spawnSync('python3', ['-c', 'import moto.server']).status === 0;
}

/** Starts it, on one `core` if that is given; resolves when it answers. */
export async function startMoto({ core }: { readonly core?: number } = {}): Promise<Moto> {
  const port = await freePort();
  const command = ['python3', '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
  if (core !== undefined && canPin) command.unshift('taskset', '-c', String(core));
  const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore' });
  const agent = new http.Agent({ keepAlive: true });
  const call: Moto['call'] = (name, input) =>
    new Promise((done, failed) => {
      const body = JSON.stringify(input);
      const url = `http://127.0.0.1:${port}/`;
      const headers = signRequest({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AmazonSSM.${name}` },
        body,
        credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' },
        region,
        service: 'ssm',
        at: Date.now(),
      });
      const request = http.request(url, { method: 'POST', headers, agent }, (response) => {
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        response.on('end', () => done({ status: response.statusCode ?? 0, bytes }));
      });
      request.on('error', failed);
      request.end(body);
    });
  const stop = () => {
    agent.destroy();
    child.kill('SIGKILL');
  };
  for (let tries = 0; ; tries++) {
    const up = await call('ListCommands', {}).catch(() => undefined);
    if (up) return { port, pid: child.pid!, call, stop };
    if (tries > 300) {
      stop();
      throw new Error('moto_server did not start');
    }
    await sleep(50);
  }
}
