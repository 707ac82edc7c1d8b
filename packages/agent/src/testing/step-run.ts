/** One action of a document as a plugin is given it, in a folder of its own, for tests of plugins. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@rollcall/documents';
import { systemClock } from '../clock.ts';
import { openCapture } from '../commands/capture.ts';
import { gatherFacts } from '../facts.ts';
import type { Plugin, StepRun } from '../plugins/plugin.ts';

/** Does an action; answers how it ended, what it printed, and where its downloads are. */
export async function act(plugin: Plugin, inputs: JsonObject, more: Partial<StepRun> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'rollcall-step-'));
  const folder = join(root, 'step');
  const makeFolder = async () => void (await mkdir(folder, { recursive: true }));
  const stdout = openCapture(join(folder, 'stdout'), 1e6, makeFolder);
  const stderr = openCapture(join(folder, 'stderr'), 1e6, makeFolder);
  const downloads = join(root, 'downloads');
  const end = await plugin({
    commandId: '11111111-2222-3333-4444-555555555555',
    nodeId: 'mi-1',
    region: 'us-east-1',
    facts: gatherFacts(),
    clock: systemClock(),
    way: {},
    downloads,
    signal: new AbortController().signal,
    getDocument: async (name) => {
      throw new Error(`there is no ${name}`);
    },
    inputs,
    stdout,
    stderr,
    folder,
    makeFolder,
    mark: `test/${root}`,
    started: () => {},
    depth: 1,
    runDocument: async () => [],
    ...more,
  });
  await Promise.all([stdout.close(), stderr.close()]);
  return {
    end,
    status: end === 'interrupted' ? end : end.status,
    stdout: stdout.text(),
    stderr: stderr.text(),
    root,
    downloads,
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
