/**
 * Notices what makes waiting pointless: the machine's network is another than a moment ago, or its clock
 * jumped, which is also how waking up from sleep looks.
 */
import { networkInterfaces } from 'node:os';
import type { Clock, Timer } from './clock.ts';

/** What changed. */
export type Change = 'network' | 'clock';

const lookEvery = 5000;
/** Smaller differences of the two clocks are a slow machine or a clock being steered. */
const jump = 20_000;

/** Calls `changed` when something changed, until closed. */
export function watchSurroundings(
  clock: Clock,
  changed: (what: Change) => void,
  addresses: () => string = usableAddresses,
): { close(): void } {
  let known = addresses();
  const offset = () => clock.now() - (clock.monotonic?.() ?? clock.now());
  let knownOffset = offset();
  let timer: Timer;
  const look = () => {
    timer = clock.after(lookEvery, look);
    const seen = addresses();
    const seenOffset = offset();
    const moved = Math.abs(seenOffset - knownOffset) > jump;
    const different = seen !== known;
    known = seen;
    knownOffset = seenOffset;
    if (different) changed('network');
    else if (moved) changed('clock');
  };
  timer = clock.after(lookEvery, look);
  return { close: () => timer.cancel() };
}

/**
 * The addresses that lead anywhere. Without link-local ones: each container that starts or stops would bring
 * or take one.
 */
function usableAddresses(): string {
  const usable: string[] = [];
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address, internal } of addresses ?? []) {
      if (!internal && !address.startsWith('fe80:')) usable.push(`${name}=${address}`);
    }
  }
  return usable.sort().join(' ');
}
