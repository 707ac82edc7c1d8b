/** Gate 2, machine: does it run, with the right time and with room? */
import type { Cause } from '../cause.ts';
import { clock } from './clock.ts';
import { disk } from './disk.ts';
import { limits } from './limits.ts';
import { power } from './power.ts';

/** In the order in which they count. */
export const machineCauses: readonly Cause[] = [...power, ...clock, ...disk, ...limits];
