/** Every case of the zoo. */
import type { Case } from '../case.ts';
import { account } from './account.ts';
import { agent } from './agent.ts';
import { authorization } from './authorization.ts';
import { chain } from './chain.ts';
import { chosen } from './chosen.ts';
import { commands } from './commands.ts';
import { freshness } from './freshness.ts';
import { identity } from './identity.ts';
import { machine } from './machine.ts';
import { official } from './official.ts';
import { path } from './path.ts';
import { proxy } from './proxy.ts';
import { recorded } from './recorded.ts';
import { scope } from './scope.ts';
import { slow } from './slow.ts';
import { tls } from './tls.ts';
import { twins } from './twins.ts';
import { waiting } from './waiting.ts';
import { windows } from './windows.ts';

export const cases: readonly Case[] = [
  ...scope,
  ...agent,
  ...machine,
  ...identity,
  ...path,
  ...tls,
  ...proxy,
  ...authorization,
  ...freshness,
  ...recorded,
  ...windows,
  ...official,
  ...commands,
  ...twins,
  ...chosen,
  ...chain,
  ...slow,
  ...account,
  ...waiting,
];
