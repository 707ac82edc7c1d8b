/** Signatures against recorded requests of official clients, AWS's published examples, and our own signer. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  canonicalRequest,
  type HttpRequestParts,
  hmacSignature,
  parseAsymmetricAuthorization,
  presignUrl,
  readPublicKey,
  readSignature,
  rsaSignature,
  sha256Hex,
  signingKey,
  signRequest,
  signWithKeyPair,
  stringToSign,
  timingSafeEqualHex,
  verifyRsaSignature,
} from './index.ts';

interface Recorded extends HttpRequestParts {
  readonly name: string;
  readonly body: string;
  readonly publicKey: string;
}
const recorded: { secretAccessKey: string; hmac: Recorded[]; rsa: Recorded[]; asymmetric: Recorded[] } =
  JSON.parse(readFileSync(new URL('../fixtures/signed-requests.json', import.meta.url), 'utf8'));

/** What a verifier does with a request, up to the string that was signed. */
function signedText(
  parts: HttpRequestParts,
  body: string,
): { text: string; signature: string; key(secret: string): Buffer } {
  const { authorization, at } = readSignature(parts);
  const { date, region, service, signature, signedHeaders } = authorization;
  const canonical = canonicalRequest(parts, signedHeaders, sha256Hex(body), service);
  return {
    text: stringToSign(at, authorization, canonical),
    signature,
    key: (secret) => signingKey(secret, date, region, service),
  };
}

function isSignedWith(secret: string, parts: HttpRequestParts, body: string): boolean {
  const { text, signature, key } = signedText(parts, body);
  return timingSafeEqualHex(hmacSignature(key(secret), text), signature);
}

function partsOf(method: string, url: string, headers: Record<string, string>): HttpRequestParts {
  const { pathname, search } = new URL(url);
  return { method, path: pathname, query: search.slice(1), headers };
}

describe('requests of official clients', () => {
  for (const request of recorded.hmac) {
    it(`verify: ${request.name}`, () => {
      assert.ok(isSignedWith(recorded.secretAccessKey, request, request.body));
      assert.ok(!isSignedWith(recorded.secretAccessKey, request, `${request.body} `));
      assert.ok(!isSignedWith(`${recorded.secretAccessKey}x`, request, request.body));
    });
  }

  for (const request of recorded.rsa) {
    it(`verify with the node's key: ${request.name}`, () => {
      const key = readPublicKey(request.publicKey);
      assert.ok(key);
      const { text, signature } = signedText(request, request.body);
      assert.ok(verifyRsaSignature(key, text, signature));
      assert.ok(!verifyRsaSignature(key, signedText(request, '{}').text, signature));
    });
  }

  for (const request of recorded.asymmetric) {
    it(`verify with the instance's key over the Authorization header: ${request.name}`, () => {
      const key = readPublicKey(request.publicKey);
      const signature = parseAsymmetricAuthorization(
        String(request.headers['ssm-asymmetrickeyauthorization']),
      );
      assert.ok(key && signature);
      const authorization = String(request.headers.authorization);
      assert.ok(verifyRsaSignature(key, authorization, signature));
      assert.ok(!verifyRsaSignature(key, `${authorization}x`, signature));
    });
  }
});

describe("AWS's published examples", () => {
  const utf8 = Buffer.from('ሴ').toString('latin1');
  const form = 'application/x-www-form-urlencoded';
  const examples: [
    name: string,
    method: string,
    path: string,
    query: string,
    headers: HttpRequestParts['headers'],
    body: string,
    signature: string,
  ][] = [
    [
      'get-vanilla',
      'GET',
      '/',
      '',
      {},
      '',
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'get-relative',
      'GET',
      '/example/..',
      '',
      {},
      '',
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'get-slash',
      'GET',
      '//',
      '',
      {},
      '',
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'get-slash-dot-slash',
      'GET',
      '/./',
      '',
      {},
      '',
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'get-slashes',
      'GET',
      '//example//',
      '',
      {},
      '',
      '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84',
    ],
    [
      'get-slash-pointless-dot',
      'GET',
      '/./example',
      '',
      {},
      '',
      'ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5',
    ],
    [
      'get-space',
      'GET',
      '/example space/',
      '',
      {},
      '',
      '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741',
    ],
    [
      'get-utf8',
      'GET',
      `/${utf8}`,
      '',
      {},
      '',
      '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
    ],
    [
      'get-vanilla-query-order',
      'GET',
      '/',
      'Param2=value2&Param1=value1',
      {},
      '',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-vanilla-utf8-query',
      'GET',
      '/',
      `${utf8}=bar`,
      {},
      '',
      '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
    ],
    [
      'get-header-key-duplicate',
      'GET',
      '/',
      '',
      { 'my-header1': ['value2', 'value2', 'value1'] },
      '',
      'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
    ],
    [
      'get-header-value-trim',
      'GET',
      '/',
      '',
      { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' },
      '',
      'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    ],
    [
      'post-vanilla',
      'POST',
      '/',
      '',
      {},
      '',
      '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    ],
    [
      'post-x-www-form-urlencoded',
      'POST',
      '/',
      '',
      { 'content-type': form },
      'Param1=value1',
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ];
  const scope = { date: '20150830', region: 'us-east-1', service: 'service' };
  const key = signingKey('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', scope.date, scope.region, scope.service);

  for (const [name, method, path, query, added, body, signature] of examples) {
    it(name, () => {
      const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z', ...added };
      const canonical = canonicalRequest(
        { method, path, query, headers },
        Object.keys(headers).sort(),
        sha256Hex(body),
      );
      assert.equal(hmacSignature(key, stringToSign('20150830T123600Z', scope, canonical)), signature);
    });
  }
});

describe('our own signer', () => {
  const at = Date.UTC(2026, 10, 23, 12, 24, 31);
  const scope = { region: 'eu-central-1', service: 'ssm', at };
  const word = fc.stringMatching(/^[\x21-\x7e]{0,20}$/);
  const headers = fc.dictionary(fc.stringMatching(/^x-[a-z]{1,8}$/), word, { maxKeys: 4 });
  const url = fc
    .tuple(fc.array(word, { maxLength: 4 }), fc.array(fc.tuple(word, word), { maxLength: 4 }))
    .map(([path, query]) => {
      const pairs = query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
      return `https://localhost:8443/${path.map(encodeURIComponent).join('/')}${pairs === '' ? '' : `?${pairs}`}`;
    });
  const credentials = fc.record(
    {
      accessKeyId: fc.constant('AKIAEXAMPLE000000000'),
      secretAccessKey: fc.string(),
      sessionToken: word.filter(Boolean),
    },
    { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
  );

  it('signs headers that verify', () => {
    fc.assert(
      fc.property(url, headers, fc.string(), credentials, (url, headers, body, credentials) => {
        const signed = signRequest({ method: 'POST', url, headers, body, credentials, ...scope });
        const parts = partsOf('POST', url, signed);
        assert.ok(isSignedWith(credentials.secretAccessKey, parts, body));
        assert.equal(readSignature(parts).sessionToken, credentials.sessionToken);
        assert.ok(!isSignedWith(credentials.secretAccessKey, { ...parts, method: 'GET' }, body));
      }),
      { numRuns: 50 },
    );
  });

  it('signs URLs that verify', () => {
    fc.assert(
      fc.property(url, credentials, (url, credentials) => {
        const signed = presignUrl({ method: 'GET', url, credentials, expiresIn: 900, ...scope });
        const parts = partsOf('GET', signed, { host: 'localhost:8443' });
        const read = readSignature(parts);
        assert.deepEqual([read.form, read.expiresIn, read.atMs], ['presigned', 900, at]);
        assert.equal(read.sessionToken, credentials.sessionToken);
        assert.ok(isSignedWith(credentials.secretAccessKey, parts, ''));
        assert.ok(!isSignedWith(credentials.secretAccessKey, { ...parts, query: `${parts.query}&a=b` }, ''));
      }),
      { numRuns: 50 },
    );
  });

  it('signs with a key pair as the official agent does', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const request = {
      method: 'POST',
      url: 'https://localhost:8443/',
      body: '{}',
      nodeId: 'mi-0123456789abcdef0',
    };
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonSSM.X',
      'transfer-encoding': 'chunked',
    };
    const parts = partsOf(
      'POST',
      request.url,
      signWithKeyPair({ ...request, headers, privateKey, ...scope }),
    );
    const { authorization } = readSignature(parts);
    assert.equal(authorization.accessKeyId, 'mi-0123456789abcdef0');
    assert.equal(authorization.signedHeaders.join(';'), 'content-type;host;x-amz-date;x-amz-target');
    const { text, signature } = signedText(parts, '{}');
    assert.ok(verifyRsaSignature(publicKey, text, signature));
    assert.ok(verifyRsaSignature(publicKey, 'other', rsaSignature(privateKey, 'other')));
    assert.ok(!verifyRsaSignature(publicKey, text, 'AAAA'));
  });

  it('takes only RSA keys of a sensible size', () => {
    const spki = {
      publicKeyEncoding: { format: 'der', type: 'spki' },
      privateKeyEncoding: { format: 'der', type: 'pkcs8' },
    } as const;
    const small = generateKeyPairSync('rsa', { modulusLength: 1024, ...spki }).publicKey;
    const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256', ...spki }).publicKey;
    for (const key of [small, elliptic, Buffer.alloc(300)])
      assert.equal(readPublicKey(key.toString('base64')), undefined);
    assert.equal(readPublicKey('not base64'), undefined);
  });
});

describe('hexadecimal comparison', () => {
  it('is equality', () => {
    assert.ok(timingSafeEqualHex('00ff', '00ff'));
    assert.ok(!timingSafeEqualHex('00ff', '00fe'));
    assert.ok(!timingSafeEqualHex('00ff', '00ff00'));
    assert.ok(!timingSafeEqualHex('ÿÿ', '00ff'));
  });
});
