/** The catalogue: every cause, in gate order, and inside a gate in the order in which they count. */
import type { CauseId } from '../verdict.ts';
import { agentCauses } from './agent/index.ts';
import { authorizationCauses } from './authorization/index.ts';
import type { Cause } from './cause.ts';
import { freshnessCauses } from './freshness/index.ts';
import { identityCauses } from './identity/index.ts';
import { machineCauses } from './machine/index.ts';
import { pathCauses } from './path/index.ts';
import { scopeCauses } from './scope/index.ts';

export const causes: readonly Cause[] = [
  ...scopeCauses,
  ...machineCauses,
  ...agentCauses,
  ...identityCauses,
  ...pathCauses,
  ...authorizationCauses,
  ...freshnessCauses,
];

const byId: ReadonlyMap<CauseId, Cause> = new Map(causes.map((one) => [one.id, one]));

/** An entry of the catalogue; undefined when there is none of that id. */
export function causeOf(id: CauseId | undefined): Cause | undefined {
  return id === undefined ? undefined : byId.get(id);
}

export type { Cause, CauseTexts } from './cause.ts';
