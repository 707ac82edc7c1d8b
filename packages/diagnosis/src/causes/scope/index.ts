/** Gate 1, scope: the right place, and does it stand in our books? */
import type { Cause } from '../cause.ts';
import { books } from './books.ts';
import { looking } from './looking.ts';

/** In the order in which they count. */
export const scopeCauses: readonly Cause[] = [...looking, ...books];
