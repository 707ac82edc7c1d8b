/** What a person types is what is meant; what could mean two things is refused. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Command } from 'commander';
import { requestFor } from './targets.ts';
import { readSentence, shellLine, splitAtDashes } from './words.ts';

const id = 'mi-0123456789abcdef0';

/** As the verb reads it: by commander first. */
function said(line: readonly string[]) {
  const command = new Command()
    .argument('[words...]')
    .option('--all')
    .option('--comment <text>')
    .option('--document <name>')
    .option('--param <p>', '', (value: string, before: string[] = []) => [...before, value]);
  command.exitOverride().parse([...line], { from: 'user' });
  const { all = false, document } = command.opts<{ all?: boolean; document?: string }>();
  return readSentence({ ...splitAtDashes(line, command.args), all, document });
}
/** What is sent when the names were found to be `ids`. */
const targets = (line: readonly string[], ids: readonly string[] = []) => {
  const { nodes } = said(line);
  return nodes && requestFor(nodes, ids);
};

test('shell words stand after --, options and nodes before', () => {
  assert.deepEqual(said(['--', 'uname', '-a']), {
    document: 'AWS-RunShellScript',
    shellLine: 'uname -a',
    nodes: undefined,
    asShell: undefined,
  });
  const both = said(['web-*', '--comment', '--', '--', 'ls', '--all', '--', '-l']);
  assert.equal(both.shellLine, 'ls --all -- -l');
  assert.deepEqual(both.nodes && requestFor(both.nodes, []), {
    Targets: [{ Key: 'rollcall:name', Values: ['web-*'] }],
  });
  assert.deepEqual(targets(['--all', '--', 'df', '-h', '/']), {
    Targets: [{ Key: 'InstanceIds', Values: ['*'] }],
  });
  assert.deepEqual(targets([id, id, '--', 'id']), { InstanceIds: [id] });
});

test('ids, names and patterns widen, tags narrow, and one tag has any of its values', () => {
  const tagged = ['web-*', 'db-1', 'env=prod,test', 'env=dev', 'role=a=b', 'team=*', '--', 'id'];
  assert.deepEqual(targets(tagged, [id]), {
    Targets: [
      { Key: 'rollcall:name', Values: [id, 'web-*'] },
      { Key: 'tag:env', Values: ['prod', 'test', 'dev'] },
      { Key: 'tag:role', Values: ['a=b'] },
      { Key: 'tag-key', Values: ['team'] },
    ],
  });
  assert.deepEqual(targets(['env=prod', '--', 'id']), { Targets: [{ Key: 'tag:env', Values: ['prod'] }] });
  // Nodes that were named one by one go by their ids: one that isn't there is refused, not left out.
  const other = 'mi-00000000000000001';
  assert.deepEqual(targets([id, 'web-1', '--', 'id'], [other]), { InstanceIds: [id, other] });
  assert.deepEqual(targets([id, 'web-1', '--', 'id'], [id]), { InstanceIds: [id] });
});

test('the document is the first word, or the only one that can be a document', () => {
  const document = (...line: string[]) => [said(line).document, said(line).nodes?.said];
  assert.deepEqual(document('env=prod', 'AWS-RunShellScript', '--param', 'commands=echo hi'), [
    'AWS-RunShellScript',
    'env=prod',
  ]);
  assert.deepEqual(document('Restart', 'web-03'), ['Restart', 'web-03']);
  assert.deepEqual(document('web-03', 'AWS-RunShellScript'), ['AWS-RunShellScript', 'web-03']);
  assert.deepEqual(document('web-*', 'Restart'), ['Restart', 'web-*']);
  assert.deepEqual(document(id, 'Restart'), ['Restart', id]);
  assert.deepEqual(document('--all', 'Restart'), ['Restart', '--all']);
  assert.deepEqual(document('--document', 'Restart', 'web-03', 'AWS-box'), ['Restart', 'web-03 AWS-box']);
});

test('a program where the document should be: how it is said', () => {
  assert.equal(said(['uptime']).asShell, 'rollcall run -- uptime');
  assert.equal(said(['web-1', 'uptime']).asShell, 'rollcall run web-1 -- uptime');
  assert.equal(said(['env=prod', 'uptime']).asShell, 'rollcall run env=prod -- uptime');
  assert.equal(said(['--all', 'uptime']).asShell, 'rollcall run --all -- uptime');
  assert.equal(said(['AWS-RunShellScript', 'web-1']).asShell, undefined);
});

test('what could mean two things is refused, and says how to say it', () => {
  const cases: [string[], RegExp][] = [
    [[], /What is to run\?.*--/],
    [['web-*'], /What is to run\?/],
    [['--'], /Nothing stands after --/],
    [['web-1', '--', ' '], /Nothing stands after --/],
    [['--all', 'web-*', '--', 'id'], /--all is every node already/],
    [['AWS-RunShellScript', '--', 'id'], /can't be the document as well/],
    [['--document', 'Restart', '--', 'id'], /can't be the document as well/],
    [['env=prod', 'web-03', 'Restart'], /Which of "web-03", "Restart" is the document\?.*--document/],
    [['AWS-RunShellScript', 'AWS-RunPowerShellScript'], /One command runs one document/],
    [['=prod', '--', 'id'], /key=value/],
    [['env=p*', '--', 'id'], /env=\* for any/],
    [['a=1', 'b=1', 'c=1', 'd=1', 'e=1', 'f=1', '--', 'id'], /6 tags are too many.*takes 4/],
    [
      [...Array.from({ length: 51 }, (_, n) => `web-${n}`), '--', 'id'],
      /51 nodes and names are too many.*--all/,
    ],
  ];
  for (const [line, sentence] of cases)
    assert.throws(() => said(line), { exitCode: 2, message: sentence }, line.join(' '));
});

test('the words reach the program as they were typed; one word is a line for the shell', () => {
  const odd = ['printf', '%s\\n', 'a b', "it's", '$HOME', '*', '', '|', '"x"', ';', '\\', 'a\nb'];
  const heard = execFileSync('sh', ['-c', shellLine(odd)], { encoding: 'utf8' });
  assert.equal(heard, `${odd.slice(2).join('\n')}\n`);
  assert.equal(shellLine(['echo a | wc -c; echo $HOME']), 'echo a | wc -c; echo $HOME');
});
