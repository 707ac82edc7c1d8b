/** What a broken or odd signature is told, in AWS's codes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type HttpRequestParts, readSignature, SignatureFormatError, signRequest } from './index.ts';

const signed = signRequest({
  method: 'POST',
  url: 'https://localhost/',
  headers: { 'x-amz-target': 'AmazonSSM.X' },
  credentials: {
    accessKeyId: 'AKIAEXAMPLE000000000',
    secretAccessKey: 'secret',
    sessionToken: 'token-value',
  },
  region: 'us-east-1',
  service: 'ssm',
  at: Date.UTC(2026, 0, 2, 3, 4, 5),
});
const authorization = signed.authorization!;
const presigned =
  'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260102%2Fus-east-1%2Fssm%2Faws4_request' +
  '&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00ff';

function parts(changes: Record<string, string | string[] | undefined>, query = ''): HttpRequestParts {
  return { method: 'POST', path: '/', query, headers: { ...signed, ...changes } };
}

function codeOf(request: HttpRequestParts): string {
  try {
    readSignature(request);
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof SignatureFormatError, String(error));
    assert.ok(
      !error.message.includes('token-value') && !/[0-9a-f]{64}/.test(error.message),
      'tells a secret',
    );
    return error.code;
  }
}

describe('signatures in the header', () => {
  const incomplete: [string, HttpRequestParts][] = [
    ['another scheme', parts({ authorization: 'Bearer abc' })],
    ['another algorithm', parts({ authorization: authorization.replace('SHA256', 'SHA512') })],
    ['no signature', parts({ authorization: authorization.replace(/, Signature=.*/, '') })],
    ['no credential', parts({ authorization: authorization.replace(/Credential=[^,]*, /, '') })],
    ['no signed headers', parts({ authorization: authorization.replace(/SignedHeaders=[^,]*, /, '') })],
    ['an empty part', parts({ authorization: authorization.replace(/Signature=.*/, 'Signature=') })],
    ['a part twice', parts({ authorization: `${authorization}, Signature=00` })],
    ['a part without a value', parts({ authorization: `${authorization}, nonsense` })],
    ['a short scope', parts({ authorization: authorization.replace('/us-east-1', '') })],
    ['a scope with line breaks', parts({ authorization: authorization.replace('us-east-1', 'us\neast') })],
    [
      'unsorted headers',
      parts({ authorization: authorization.replace('host;x-amz-date', 'x-amz-date;host') }),
    ],
    ['a header twice', parts({ authorization: authorization.replace('host;', 'host;host;') })],
    ['upper-case headers', parts({ authorization: authorization.replace('host;', 'Host;') })],
    ['no date', parts({ 'x-amz-date': undefined })],
    ['a date that is none', parts({ 'x-amz-date': '20260231T030405Z' })],
    ['two dates', parts({ 'x-amz-date': ['20260102T030405Z', '20260102T030405Z'] })],
    ['two Authorization headers', parts({ authorization: [authorization, authorization] })],
    ['both forms', parts({}, presigned)],
  ];
  for (const [name, request] of incomplete) {
    it(`with ${name} are incomplete`, () => assert.equal(codeOf(request), 'IncompleteSignatureException'));
  }

  const invalid: [string, HttpRequestParts][] = [
    ['host', parts({ authorization: authorization.replace('host;', '') })],
    ['the date', parts({ authorization: authorization.replace('x-amz-date;', '') })],
    ['the target', parts({ authorization: authorization.replace(';x-amz-target', '') })],
    ['the token', parts({ authorization: authorization.replace('x-amz-security-token;', '') })],
  ];
  for (const [name, request] of invalid) {
    it(`that leave out ${name} are invalid`, () =>
      assert.equal(codeOf(request), 'InvalidSignatureException'));
  }

  it('of another day than the date are invalid', () => {
    assert.equal(codeOf(parts({ 'x-amz-date': '20260103T000000Z' })), 'InvalidSignatureException');
  });

  it('may be dated by the Date header', () => {
    const request = parts({
      'x-amz-date': undefined,
      date: 'Fri, 02 Jan 2026 03:04:05 GMT',
      authorization: authorization.replace('host;x-amz-date', 'date;host'),
    });
    assert.equal(readSignature(request).at, '20260102T030405Z');
  });

  it('that are missing are asked for', () => {
    assert.equal(codeOf(parts({ authorization: undefined })), 'MissingAuthenticationTokenException');
  });
});

describe('signatures in the query', () => {
  const query = (text: string) =>
    codeOf({ method: 'GET', path: '/', query: text, headers: { host: 'localhost' } });

  it('are read', () => assert.equal(query(presigned), 'accepted'));

  it('without one of their parts are incomplete', () => {
    for (const part of presigned.split('&')) {
      const rest = presigned.split('&').filter((other) => other !== part);
      assert.equal(query(rest.join('&')), 'IncompleteSignatureException', part);
    }
  });

  it('with a part twice, or with an odd lifetime, are incomplete', () => {
    assert.equal(query(`${presigned}&X-Amz-Expires=60`), 'IncompleteSignatureException');
    for (const expires of ['0', '604801', '-1', '1e3', '']) {
      assert.equal(query(presigned.replace('=60', `=${expires}`)), 'IncompleteSignatureException', expires);
    }
  });
});

describe('reading signatures', () => {
  it('never fails with another error, whatever is sent', () => {
    const piece = fc.constantFrom(
      'Credential=',
      'a/20260102/r/s/aws4_request',
      ', ',
      'SignedHeaders=',
      'host',
      ';',
      'Signature=',
      '=',
      '%',
      '__proto__',
      'constructor',
    );
    const soup = fc
      .array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 12 })
      .map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(soup, soup, (header, query) => {
        codeOf(parts({ authorization: `AWS4-HMAC-SHA256 ${header}` }));
        codeOf(parts({ authorization: undefined }, `X-Amz-Signature=${query}`));
      }),
    );
  });
});
