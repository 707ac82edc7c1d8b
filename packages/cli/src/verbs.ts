/**
 * Every verb of `rollcall`, in the order of `--help`. A new verb is one line here and one file in `verbs/`
 * that exports a `Define` under the verb's own name; nothing of it is loaded before it is called.
 */
import type { Define, Verb } from './verb.ts';

/** The headings of `rollcall --help`, each with its verbs. */
export const verbs: readonly Verb[] = [
  ...group('The server', [verb('up', 'start the server', () => import('./verbs/up.ts'))]),
  ...group('AWS tools', [
    verb('env', 'point this shell, or an AWS profile, at the server', () => import('./verbs/env.ts')),
    verb('aws', 'run the installed AWS CLI against the server', () => import('./verbs/aws.ts')),
    verb(
      'credentials',
      'print keys the way credential_process wants',
      () => import('./verbs/credentials.ts'),
    ),
  ]),
];

function group(title: string, members: readonly Omit<Verb, 'group'>[]): Verb[] {
  return members.map((member) => ({ ...member, group: title }));
}

function verb<Name extends string>(
  name: Name,
  summary: string,
  load: () => Promise<Record<Name, Define>>,
): Omit<Verb, 'group'> {
  return { name, summary, load: async () => (await load())[name] };
}
