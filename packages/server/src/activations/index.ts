/** Activations: the right to register so many machines until a day, and the registration itself. */
import type { AnyOperation } from '../service/index.ts';
import type { ActivationsDeps } from './deps.ts';
import { activationOperations } from './operations.ts';
import { registerOperation } from './register.ts';

export type { ActivationsDeps, RefusalCount } from './deps.ts';

/** The activations of this installation. */
export interface Activations {
  readonly operations: readonly AnyOperation[];
}

/** Opens the activations. */
export function openActivations(deps: ActivationsDeps): Activations {
  return { operations: [...activationOperations(deps), registerOperation(deps)] };
}
