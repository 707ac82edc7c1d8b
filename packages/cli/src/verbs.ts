/**
 * Every verb of `rollcall`, in the order of `--help`. A new verb is one line here and one file in `verbs/`
 * that exports a `Define` under the verb's own name; nothing of it is loaded before it is called.
 */
import type { Define, Verb } from './verb.ts';

/** The headings of `rollcall --help`, each with its verbs. */
export const verbs: readonly Verb[] = [
  ...group('A machine is missing', [
    verb('why', "why a machine is, or isn't, in the list; --all", () => import('./verbs/why.ts')),
    verb('doctor', 'the same, on the machine itself', () => import('./verbs/doctor.ts')),
    verb('collect', 'a script to see a machine that has nothing of ours', () => import('./verbs/collect.ts')),
  ]),
  ...group('The server', [
    verb('up', 'start the server', () => import('./verbs/up.ts')),
    verb('status', 'is the server there, and what does it hold', () => import('./verbs/status.ts')),
    verb('settings', 'show or change settings', () => import('./verbs/settings.ts')),
    verb('backup', 'back up while running; check a backup', () => import('./verbs/backup.ts')),
    verb('restore', 'make a data folder from a backup', () => import('./verbs/restore.ts')),
  ]),
  ...group('The fleet', [
    verb('nodes', 'list the nodes; who is missing, who can be picked', () => import('./verbs/nodes.ts')),
    verb('roster', 'the machines that should be there', () => import('./verbs/roster.ts')),
    verb('activation', 'let machines join: create, list, watch', () => import('./verbs/activation.ts')),
    verb('node', 'deregister, restore, tag or untag a node', () => import('./verbs/node.ts')),
    verb('wait', 'wait until a node is Online', () => import('./verbs/wait.ts')),
    verb('events', 'what happened to a node', () => import('./verbs/events.ts')),
    verb('knocks', 'who was turned away at the door, and why', () => import('./verbs/knocks.ts')),
  ]),
  ...group('Commands', [
    verb('run', 'run a shell line or a document on nodes', () => import('./verbs/run.ts')),
    verb('commands', 'what was sent, and what came of it', () => import('./verbs/commands.ts')),
    verb('cancel', 'cancel a command', () => import('./verbs/cancel.ts')),
    verb('documents', 'what can be run: list, show, create, update', () => import('./verbs/documents.ts')),
  ]),
  ...group('This machine', [
    verb('enroll', 'make this machine a node of a server', () => import('./verbs/enroll.ts')),
    verb('leave', 'undo that on this machine', () => import('./verbs/leave.ts')),
    verb('trust', "trust a server's authority, for the official agent", () => import('./verbs/trust.ts')),
    verb('untrust', 'undo that', () => import('./verbs/untrust.ts')),
  ]),
  ...group('Who may', [
    verb('user', 'users, their policies and access keys', () => import('./verbs/user.ts')),
    verb('audit', 'who changed what, and who was refused', () => import('./verbs/audit.ts')),
  ]),
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
