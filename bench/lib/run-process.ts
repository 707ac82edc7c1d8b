/** Programs as a person starts them, and how long they take. */
import { spawn } from 'node:child_process';

/** Runs a program to its end; answers milliseconds. Rejects with what it said when it fails. */
export function timeProcess(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<number> {
  const begun = performance.now();
  return new Promise((done, failed) => {
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const hear = (chunk: Buffer) => {
      said = (said + chunk).slice(-4_000);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', failed);
    child.once('close', (code) => {
      const took = performance.now() - begun;
      if (code === 0) done(took);
      else failed(new Error(`${file} ended with ${code}:\n${said}`));
    });
  });
}
