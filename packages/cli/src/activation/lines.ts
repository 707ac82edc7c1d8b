/**
 * What to run on a machine so that it joins: ready to be pasted, with the server's key pinned, and with the
 * code in a file, because the arguments of a process can be read by everybody on the machine.
 */
import { quote } from '../env/shell.ts';

/** What the lines are made of. */
export interface JoinFacts {
  /** As other machines reach the server. */
  readonly url: string;
  /** Base64 of the SHA-256 of the server's public key. */
  readonly keyPin: string;
  readonly activationId: string;
  readonly code: string;
  /** Only when it isn't the region that machines get unless told. */
  readonly region?: string;
}

/** For a person at a shell. `code` is written by the shell itself, in no process's arguments. */
export function shellLines(facts: JoinFacts): string[] {
  return [`(umask 077; printf '%s' ${quote(facts.code, 'sh')} > code)`, ...enrol(facts, 'code'), 'rm code'];
}

/** User data for cloud-init. */
export function cloudInitLines(facts: JoinFacts): string[] {
  return [
    '#cloud-config',
    'write_files:',
    '  - path: /run/rollcall-code',
    "    permissions: '0600'",
    `    content: '${facts.code.replaceAll("'", "''")}'`,
    'runcmd:',
    '  - |',
    ...enrolUnattended(facts, '/run/rollcall-code').map((line) => `    ${line}`),
    '    rm -f /run/rollcall-code',
  ];
}

/** Tasks for Ansible; the code comes from a variable, so that it can be vaulted. */
export function ansibleLines(facts: JoinFacts): string[] {
  return [
    '- name: Put the activation code aside',
    '  ansible.builtin.copy:',
    '    dest: /run/rollcall-code',
    "    mode: '0600'",
    "    content: '{{ rollcall_code }}'",
    '  no_log: true',
    '- name: Enrol with Rollcall',
    '  ansible.builtin.shell: |',
    ...enrolUnattended(facts, '/run/rollcall-code').map((line) => `    ${line}`),
    '- name: Remove the code',
    '  ansible.builtin.file: { path: /run/rollcall-code, state: absent }',
  ];
}

/** The pinned key is checked before a byte is executed; -k only says that it, and no authority, decides. */
function enrol(facts: JoinFacts, codeFile: string): string[] {
  return [
    ...fetch(facts),
    `  | sudo sh -s -- --activation-id ${quote(facts.activationId, 'sh')} \\`,
    `  --code-file ${codeFile}${regionFlag(facts)}`,
  ];
}

/** Where nobody reads what curl says, its failure must be the line's: a pipe would end well without it. */
function enrolUnattended(facts: JoinFacts, codeFile: string): string[] {
  return [
    ...fetch(facts),
    '  -o /run/rollcall-enroll && sh /run/rollcall-enroll \\',
    `  --activation-id ${quote(facts.activationId, 'sh')} \\`,
    `  --code-file ${codeFile}${regionFlag(facts)}`,
  ];
}

function fetch(facts: JoinFacts): string[] {
  return [
    'curl -fsSk \\',
    `  --pinnedpubkey ${quoted(`sha256//${facts.keyPin}`)} \\`,
    `  ${quote(`${facts.url}/enroll`, 'sh')} \\`,
  ];
}

function regionFlag(facts: JoinFacts): string {
  return facts.region === undefined ? '' : ` --region ${quote(facts.region, 'sh')}`;
}

/** Base64 may have characters that read better within quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
