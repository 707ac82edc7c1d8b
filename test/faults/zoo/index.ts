/** Every case of the zoo. */
import type { Case } from '../case.ts';
import { path } from './path.ts';

export const cases: readonly Case[] = [...path];
