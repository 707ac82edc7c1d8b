/** Gate 4, identity: whose, and the expected one? */
import type { Cause } from '../cause.ts';
import { ec2 } from './ec2.ts';
import { registration } from './registration.ts';
import { state } from './state.ts';

/** In the order in which they count: damaged files before what follows from them. */
export const identityCauses: readonly Cause[] = [...state, ...ec2, ...registration];
