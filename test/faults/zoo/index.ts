/** Every case of the zoo. */
import type { Case } from '../case.ts';
import { path } from './path.ts';
import { proxy } from './proxy.ts';
import { tls } from './tls.ts';

export const cases: readonly Case[] = [...path, ...tls, ...proxy];
