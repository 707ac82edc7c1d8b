/** Gate 6, authorization: what did the service answer to the agent's own call? */
import type { Cause } from '../cause.ts';
import { activation } from './activation.ts';
import { permission } from './permission.ts';

/** In the order in which they count. */
export const authorizationCauses: readonly Cause[] = [...activation, ...permission];
