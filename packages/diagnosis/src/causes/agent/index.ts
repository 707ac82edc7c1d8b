/** Gate 3, agent: exactly one, running, whole, set up to run again? */
import type { Cause } from '../cause.ts';
import { howMany, installed } from './installed.ts';
import { running } from './running.ts';
import { blocked, setup } from './setup.ts';
import { windows } from './windows.ts';

/** In the order in which they count: why it doesn't run before that it doesn't. */
export const agentCauses: readonly Cause[] = [
  ...installed,
  ...windows,
  ...blocked,
  ...running,
  ...howMany,
  ...setup,
];
