/**
 * The very first start, killed before each of its steps onto the disk: CA, certificate, secrets key, database,
 * migration, administrator. The next start has to work, with one CA and with a key that opens the door.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../harness/server.ts';
import { NotUp, startKillable } from './killable.ts';

/** Files that must never change once somebody may have seen them. */
const lasting = ['ca.crt', 'ca.key', 'secrets.key'];

/** Kills before each step, or only one, `lanes` at a time. */
export async function* firstStartPoints(
  lanes: number,
  only?: number,
): AsyncGenerator<{ name: string; problems: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-kill-first-'));
  try {
    const whole = await startKillable(join(folder, 'whole'), await freePort());
    await whole.kill();
    const every = Array.from({ length: whole.steps }, (_, index) => index + 1);
    const steps = only === undefined ? every : [only];
    while (steps.length > 0) {
      const some = steps.splice(0, lanes);
      const ends = some.map(async (step) => ({
        name: `first start, step ${step} of ${whole.steps}`,
        problems: await killAt(join(folder, `${step}`), step),
      }));
      for (const end of ends) yield await end;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function killAt(data: string, step: number): Promise<string[]> {
  const port = await freePort();
  const problems: string[] = [];
  try {
    await (await startKillable(data, port, { step })).kill();
    // The last steps are taken after the server is up: then it was killed a little later.
  } catch (error) {
    if (!(error instanceof NotUp)) return [String(error)];
    if (error.end !== 'SIGKILL') return [`the start ended by itself: ${error.message}`];
  }
  const seen = prints(data);
  try {
    const server = await startKillable(data, port);
    const info = await server.admin.ask('rollcall:GetServerInfo');
    const user = await server.admin.ask('rollcall:CreateUser', { UserName: 'somebody' });
    if (!user.AccessKey.SecretAccessKey) problems.push('a user has no secret');
    await server.kill();
    for (const [name, print] of prints(data)) {
      if (seen.has(name) && seen.get(name) !== print) problems.push(`${name} was made a second time`);
    }
    const again = await startKillable(data, port);
    const after = await again.admin.ask('rollcall:GetServerInfo');
    if (after.CaFingerprint !== info.CaFingerprint) problems.push('there are two CAs');
    await again.kill();
  } catch (error) {
    problems.push(`the next start: ${(error as Error).message}`);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
  return problems;
}

function prints(data: string): Map<string, string> {
  const found = lasting.filter((name) => existsSync(join(data, name)));
  return new Map(
    found.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(data, name)))
        .digest('hex'),
    ]),
  );
}
