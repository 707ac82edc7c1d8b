/** What many cases do. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from '../node/node.ts';
import { until } from '../until.ts';

/**
 * Breaks something while the agent is away, and starts it again: as it is after a boot into a world that changed.
 * Waits until its first attempt has failed, unless that takes it longer than anybody waits.
 */
export async function restartInto(
  node: Node,
  change: () => Promise<unknown> | unknown,
  options: Parameters<Node['start']>[0] & { readonly fails?: boolean } = {},
): Promise<void> {
  const { fails = true, ...start } = options;
  await node.stop();
  await change();
  await node.start({ online: false, ...start });
  if (fails) {
    await until(
      `an attempt of ${node.name} fails`,
      () => statusOf(node)?.lastHeartbeat?.ok === false || !node.running(),
    );
  } else await until(`${node.name} starts`, () => / starts\./.test(node.log()));
}

/** What the agent says of itself. */
export function statusOf(node: Node):
  | {
      readonly state: string;
      readonly lastHeartbeat?: { readonly ok: boolean; readonly at: string };
      readonly nextAttempt?: { readonly at: string };
      readonly commands?: unknown;
    }
  | undefined {
  try {
    return JSON.parse(readFileSync(join(node.root, 'status.json'), 'utf8'));
  } catch {
    return undefined;
  }
}
