/** One case for each cause at least: what is seen, and what it is. */
import { agentCases } from './agent.ts';
import { authorizationCases } from './authorization.ts';
import type { Case } from './case.ts';
import { freshnessCases } from './freshness.ts';
import { identityCases } from './identity.ts';
import { machineCases } from './machine.ts';
import { pathCases } from './path.ts';
import { scopeCases } from './scope.ts';

export const cases: readonly Case[] = [
  ...scopeCases,
  ...machineCases,
  ...agentCases,
  ...identityCases,
  ...pathCases,
  ...authorizationCases,
  ...freshnessCases,
];

export type { Case } from './case.ts';
