/** Options become what SendCommand takes; a wrong one is refused before anything is sent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSend, type SendOptions } from './request.ts';
import { readSentence } from './words.ts';

const shell = readSentence({ words: [], shellWords: ['id'], document: undefined, all: true });
const own = readSentence({ words: ['Restart'], shellWords: undefined, document: undefined, all: true });
const usual = { concurrency: '100%', maxErrors: '100%' };
const send = (options: Partial<SendOptions>, sentence = shell) =>
  readSend(sentence, { ...usual, ...options });

test('a shell line is the parameter of the shell document', () => {
  assert.deepEqual(send({}), {
    DocumentName: 'AWS-RunShellScript',
    Parameters: { commands: ['id'] },
    MaxConcurrency: '100%',
    MaxErrors: '100%',
  });
  assert.deepEqual(send({ dir: '/srv', timeLimit: '10m' }).Parameters, {
    commands: ['id'],
    workingDirectory: ['/srv'],
    executionTimeout: ['600'],
  });
});

test('parameters of a document: repeated ones are lists, values may have equals signs', () => {
  const { Parameters } = send({ param: ['commands=a=b', 'commands=', 'x=1'] }, own);
  assert.deepEqual(Parameters, { commands: ['a=b', ''], x: ['1'] });
  assert.equal('Parameters' in send({}, own), false);
});

test('rates, times and the rest', () => {
  const { MaxConcurrency, MaxErrors, ...rest } = send({
    concurrency: '10',
    maxErrors: '0',
    timeout: '90',
    comment: 'why',
    documentVersion: '3',
    s3Bucket: 'b',
    s3Prefix: 'p',
  });
  assert.deepEqual([MaxConcurrency, MaxErrors], ['10', '0']);
  assert.deepEqual(rest, {
    DocumentName: 'AWS-RunShellScript',
    DocumentVersion: '3',
    Parameters: { commands: ['id'] },
    TimeoutSeconds: 90,
    Comment: 'why',
    OutputS3BucketName: 'b',
    OutputS3KeyPrefix: 'p',
  });
  assert.equal(send({ maxErrors: '0%' }).MaxErrors, '0%');
  const wrong: [Partial<SendOptions>, RegExp][] = [
    [{ concurrency: '0' }, /--concurrency is "0".*from 1% to 100%/],
    [{ concurrency: '101%' }, /--concurrency/],
    [{ concurrency: 'all' }, /--concurrency/],
    [{ maxErrors: '-1' }, /--max-errors is "-1"/],
    [{ timeout: '29' }, /--timeout is "29".*30 to 2592000/],
    [{ timeout: 'soon' }, /--timeout/],
    [{ timeLimit: '4s' }, /--time-limit is "4s".*from 5/],
    [{ param: ['commands'] }, /name=value/],
    [{ param: ['commands=x'] }, /after -- is the parameter "commands"/],
    [{ param: ['workingDirectory=/'], dir: '/' }, /--dir is the parameter "workingDirectory"/],
    [{ s3Prefix: 'x' }, /--s3-bucket/],
  ];
  for (const [options, sentence] of wrong)
    assert.throws(() => send(options), { exitCode: 2, message: sentence }, JSON.stringify(options));
});
