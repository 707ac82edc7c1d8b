/** Gate 7, freshness: does it wait, or has what it said aged out? */
import type { Cause } from '../cause.ts';
import { channel, presence } from './channel.ts';
import { waiting } from './waiting.ts';

/** In the order in which they count. */
export const freshnessCauses: readonly Cause[] = [...waiting, ...channel, ...presence];
