/** Path: name, route, TCP, proxy, TLS, HTTP, websocket. */
import type { EndpointEvidence } from '../../evidence/index.ts';
import {
  ca,
  day,
  endpoint,
  healthy,
  hour,
  knock,
  leaf,
  lost,
  lostRow,
  node,
  now,
  officialAgent,
  ownAgent,
  row,
  seenOn,
  serverUrl,
  stoppedAt,
} from '../evidence.ts';
import type { Case } from './case.ts';

const at = (one: EndpointEvidence, more: Parameters<typeof node>[0] = {}) =>
  seenOn(node({ endpoints: [one], ...more }));
const untrusted = (facts: object = {}) =>
  stoppedAt('tls', 'untrusted', {
    issuer: 'Rollcall CA 7F3A 91C2',
    fingerprint: leaf,
    root: ca,
    store: { path: '/etc/pki/ca-trust', readable: true, hasRoot: false, changedAt: now - hour },
    ...facts,
  });
const refusedTls = {
  reason: 'client-rejected-certificate',
  layer: 'tls',
  client: 'go',
  detail: 'alert=42',
  tie: 'address',
} as const;
const otherCa = 'bb22'.repeat(16);

export const pathCases: readonly Case[] = [
  {
    cause: 'dns-fails',
    evidence: at(stoppedAt('name', 'not-found')),
    says: { host: 'rollcall.lan', error: 'not-found' },
    ruledOut: ['no-default-route'],
  },
  {
    cause: 'dns-wrong-answer',
    evidence: at(
      stoppedAt('tcp', 'timeout', {}, { name: { addresses: ['10.9.9.9'], direct: ['10.0.0.5'] } }),
      { network: { hostsEntries: ['10.9.9.9 rollcall.lan'] } },
    ),
    says: { address: '10.9.9.9' },
  },
  {
    cause: 'dns-wrong-answer',
    when: 'two answers',
    evidence: at(
      stoppedAt('tcp', 'refused', {}, { name: { addresses: ['10.9.9.9'], direct: ['10.0.0.5'] } }),
    ),
    confidence: 'likely',
  },
  {
    cause: 'go-resolver-differs',
    evidence: at(stoppedAt('tcp', 'timeout', {}, { name: { direct: [] } }), {
      network: { nameSources: ['files', 'mdns4_minimal', 'dns'] },
    }),
  },
  {
    cause: 'vpce-missing-one-of-three',
    evidence: lost({
      node: node({
        endpoints: [
          endpoint({ also: [] }),
          stoppedAt(
            'name',
            'not-found',
            {},
            { url: 'https://ssmmessages.dc-tokyo.rollcall.lan', service: 'ssmmessages', also: [] },
          ),
        ],
      }),
    }),
    says: { service: 'ssmmessages' },
  },
  {
    cause: 'no-default-route',
    evidence: at(stoppedAt('route', 'unreachable'), { network: { defaultRoute4: undefined } }),
  },
  {
    cause: 'no-default-route',
    when: 'even names are not asked for',
    evidence: at(stoppedAt('name', 'temporary'), { network: { defaultRoute4: undefined } }),
  },
  {
    cause: 'route-shadowed-locally',
    evidence: at(stoppedAt('tcp', 'timeout', {}, { route: { device: 'docker0' } })),
    says: { device: 'docker0' },
  },
  {
    cause: 'ipv6-only-subnet',
    evidence: at(stoppedAt('tcp', 'unreachable', {}, {}), {
      network: { defaultRoute4: undefined, defaultRoute6: { device: 'eth0' } },
    }),
  },
  { cause: 'host-firewall', when: 'EPERM', evidence: at(stoppedAt('tcp', 'denied')) },
  {
    cause: 'host-firewall',
    when: 'a rule and silence',
    evidence: at(stoppedAt('tcp', 'timeout'), {
      network: { firewall: { kind: 'nftables', rules: ['tcp dport 8443 drop'] } },
    }),
    confidence: 'likely',
  },
  {
    cause: 'corporate-firewall',
    evidence: lost({
      node: undefined,
      fleet: {
        shared: [{ sign: 'lost:203.0.113.9', nodes: 4, of: 4, since: now - hour, examples: ['dc2-kvm-01'] }],
      },
    }),
    confidence: 'likely',
    fix: [],
    says: { address: '203.0.113.9' },
  },
  {
    cause: 'tcp-refused',
    evidence: at(stoppedAt('tcp', 'refused', { address: '10.0.0.5' })),
    says: { port: '8443', address: '10.0.0.5' },
    ruledOut: ['host-firewall'],
  },
  {
    cause: 'tcp-timeout',
    evidence: at(stoppedAt('tcp', 'timeout')),
    ruledOut: ['host-firewall', 'tcp-refused', 'no-default-route'],
  },
  {
    cause: 'slow-path',
    evidence: lost({
      node: node({
        endpoints: [endpoint({ tcp: { ms: 420 }, name: { addresses: ['10.0.0.5', 'fd00::5'] } })],
        agents: [
          ownAgent({
            status: {
              state: 'waiting',
              at: now,
              lastError: 'rollcall.lan: no answer within the time allowed (ETIMEDOUT).',
            },
          }),
        ],
      }),
    }),
    confidence: 'likely',
  },
  {
    cause: 'proxy-url-malformed',
    evidence: at(stoppedAt('proxy', 'malformed'), {
      proxy: { agent: { source: 'unit', https: '10.1.1.1' }, malformed: '10.1.1.1: no scheme' },
    }),
  },
  {
    cause: 'proxy-auth-required',
    evidence: at(stoppedAt('proxy', 'auth-required', { status: 407, proxy: 'http://10.1.1.1:3128' })),
    says: { proxy: 'http://10.1.1.1:3128' },
  },
  {
    cause: 'proxy-blocks-host',
    evidence: at(stoppedAt('proxy', 'denied', { status: 403, proxy: 'http://10.1.1.1:3128' })),
    says: { status: '403' },
  },
  {
    cause: 'proxy-unreachable',
    evidence: at(stoppedAt('tcp', 'refused', {}, { direct: { ok: true } }), {
      proxy: { agent: { source: 'drop-in', https: 'http://10.1.1.1:3128' } },
    }),
  },
  {
    cause: 'proxy-not-configured-for-service',
    evidence: at(stoppedAt('tcp', 'timeout'), {
      proxy: { shell: { source: '/etc/profile.d/proxy.sh', https: 'http://10.1.1.1:3128' } },
    }),
    confidence: 'likely',
  },
  {
    cause: 'proxy-bypassed',
    evidence: at(stoppedAt('tcp', 'timeout'), {
      proxy: { agent: { source: 'config.json', https: 'http://10.1.1.1:3128', no: '10.0.0.0/8,.lan' } },
    }),
    confidence: 'likely',
    says: { entry: '10.0.0.0/8', proxy: 'http://10.1.1.1:3128' },
    ruledOut: ['proxy-not-configured-for-service'],
  },
  {
    cause: 'tcp-timeout',
    when: 'with exceptions from the proxy that are about others',
    evidence: at(stoppedAt('tcp', 'timeout'), {
      proxy: {
        agent: { source: 'config.json', https: 'http://10.1.1.1:3128', no: 'localhost,.example.com' },
      },
    }),
  },
  {
    cause: 'host-firewall',
    when: 'its answers are not let in',
    evidence: at(stoppedAt('tcp', 'timeout'), {
      network: { firewall: { kind: 'nftables', answersDropped: 'drop' } },
    }),
    confidence: 'likely',
  },
  {
    cause: 'server-certificate-expired',
    evidence: lost({
      node: node({ endpoints: [stoppedAt('tls', 'expired', { fingerprint: leaf, notAfter: now - day })] }),
      fleet: { certificate: { notAfter: now - day } },
    }),
    fix: [],
  },
  {
    cause: 'server-identity-changed',
    evidence: lost({
      node: undefined,
      records: { node: lostRow({ trusts: otherCa }) },
      door: { knocks: [knock(refusedTls)] },
      fleet: {
        certificate: { changedAt: now - hour },
        shared: [{ sign: 'tls', nodes: 150, of: 300, since: now - hour, examples: [] }],
      },
    }),
    confidence: 'likely',
    fix: [],
  },
  {
    cause: 'server-identity-changed',
    when: 'seen on the machine',
    evidence: lost({
      records: { node: lostRow({ trusts: otherCa }) },
      node: node({ endpoints: [untrusted()] }),
      fleet: { certificate: { changedAt: now - hour } },
    }),
  },
  {
    cause: 'middlebox-distrusts-us',
    evidence: lost({
      node: undefined,
      door: { knocks: [knock({ ...refusedTls, client: 'openssl', address: '203.0.113.9', sharedBy: 40 })] },
      fleet: { shared: [{ sign: 'lost', nodes: 40, of: 300, since: now - hour, examples: [] }] },
    }),
    confidence: 'likely',
  },
  {
    cause: 'ca-store-unreadable',
    evidence: at(untrusted({ store: { path: '/etc/ssl/certs', readable: false } })),
  },
  {
    cause: 'ca-bundle-env',
    evidence: at(
      untrusted({ store: { path: '/opt/bundle.pem', readable: true, hasRoot: false, by: 'AWS_CA_BUNDLE' } }),
    ),
    says: { variable: 'AWS_CA_BUNDLE' },
  },
  {
    cause: 'tls-inspection',
    evidence: at(
      untrusted({
        issuer: 'Contoso Web Gateway',
        rootSubject: 'Contoso Web Gateway',
        fingerprint: 'cc'.repeat(32),
        root: 'dd'.repeat(32),
      }),
    ),
    says: { issuer: 'Contoso Web Gateway' },
    fix: [],
  },
  {
    cause: 'tls-inspection',
    when: "somebody else vouches for the server's name, and our agent knows the authority",
    evidence: {
      now,
      node: node({
        agents: [ownAgent()],
        endpoints: [
          {
            ...untrusted({
              issuer: 'Example Corp Web Gateway',
              names: ['rollcall.lan'],
              root: 'dd'.repeat(32),
              store: { path: 'identity.json', readable: true, hasRoot: false, by: 'identity.json' },
            }),
            agent: 'rollcall',
          },
        ],
      }),
    },
    confidence: 'likely',
  },
  {
    cause: 'ca-bundle-env',
    when: 'only some of the calls read it',
    evidence: at(
      endpoint({
        tls: { bundle: { path: '/etc/corp.pem', readable: true, hasRoot: false, by: 'AWS_CA_BUNDLE' } },
      }),
    ),
    says: { path: '/etc/corp.pem', variable: 'AWS_CA_BUNDLE' },
  },
  {
    cause: 'tls-inspection',
    when: 'by its name alone',
    evidence: {
      now,
      node: node({
        endpoints: [
          untrusted({
            issuer: 'Zscaler Intermediate',
            rootSubject: 'Zscaler Root CA',
            fingerprint: 'cc'.repeat(32),
            root: 'dd'.repeat(32),
          }),
        ],
      }),
    },
    confidence: 'likely',
  },
  {
    cause: 'ca-missing',
    evidence: at(untrusted()),
    fix: [`rollcall trust ${serverUrl} sha256:${ca}`, 'systemctl restart amazon-ssm-agent'],
    ruledOut: ['tls-inspection', 'clock-skew', 'certificate-wrong-name'],
  },
  {
    cause: 'ca-missing',
    when: 'no fingerprint from our books, no command',
    evidence: { now, node: node({ endpoints: [untrusted()] }) },
    fix: [],
    confidence: 'likely',
  },
  {
    cause: 'ca-missing',
    when: 'or the intermediate certificate, where the server shows its own alone',
    evidence: lost({
      node: node({
        endpoints: [untrusted({ root: leaf, rootSubject: 'CN=rollcall.lan', rootSelfSigned: false })],
      }),
      records: { node: { trusts: 'cc'.repeat(32) } },
    }),
    fix: [],
    says: { issuer: 'Rollcall CA 7F3A 91C2' },
    confidence: 'likely',
  },
  {
    cause: 'ca-missing',
    when: 'at the door, by elimination',
    evidence: lost({ node: undefined, door: { knocks: [knock(refusedTls)] } }),
    confidence: 'likely',
    ruledOut: ['server-identity-changed'],
  },
  {
    cause: 'ca-missing',
    when: 'of AWS, each root named',
    evidence: {
      now,
      node: node({
        agents: [
          officialAgent({ identity: { server: 'https://ssm.us-east-1.amazonaws.com', region: 'us-east-1' } }),
        ],
        endpoints: [
          stoppedAt(
            'tls',
            'untrusted',
            {
              issuer: 'Amazon RSA 2048 M01',
              rootSubject: 'CN=Amazon Root CA 1',
              store: {
                path: '/etc/ssl/certs',
                readable: true,
                hasRoot: false,
                awsRoots: [{ name: 'Amazon Root CA 1', present: false }],
              },
            },
            { url: 'https://ssm.us-east-1.amazonaws.com' },
          ),
        ],
      }),
    },
  },
  {
    cause: 'certificate-expired-or-not-yet-valid',
    evidence: at(stoppedAt('tls', 'expired', { fingerprint: 'ee'.repeat(32), notAfter: now - day })),
  },
  {
    cause: 'certificate-expired-or-not-yet-valid',
    when: 'the clock was not compared',
    evidence: at(stoppedAt('tls', 'not-yet-valid', { notBefore: now + day }), { clock: undefined }),
    confidence: 'likely',
  },
  {
    cause: 'certificate-wrong-name',
    evidence: at(stoppedAt('tls', 'wrong-name', { names: ['other.lan'], fingerprint: leaf, root: ca })),
    says: { names: 'other.lan' },
  },
  { cause: 'tls-version-or-cipher', evidence: at(stoppedAt('tls', 'protocol-version')) },
  {
    cause: 'tls-version-or-cipher',
    when: 'at the door',
    evidence: lost({
      node: undefined,
      door: { knocks: [knock({ reason: 'no-shared-version', layer: 'tls' })] },
    }),
    confidence: 'likely',
  },
  { cause: 'mtu-blackhole', evidence: at(stoppedAt('tls', 'timeout')), confidence: 'likely' },
  { cause: 'tls-cut-on-the-way', evidence: at(stoppedAt('tls', 'reset')), confidence: 'likely' },
  {
    cause: 'gateway-error',
    evidence: at(stoppedAt('http', 'wrong-host', { status: 502, server: 'nginx' })),
    fix: [],
  },
  {
    cause: 'wrong-host-answers',
    evidence: at(stoppedAt('http', 'captive-portal', { status: 302, location: 'http://portal.hotel/login' })),
    says: { who: 'http://portal.hotel/login' },
  },
  { cause: 'wrong-host-answers', when: 'it speaks no TLS', evidence: at(stoppedAt('tls', 'not-tls')) },
  { cause: 'service-does-not-answer', evidence: at(stoppedAt('http', 'timeout')), confidence: 'likely' },
  {
    cause: 'websocket-blocked',
    evidence: healthy({
      records: { node: row({ connected: false, channelOpenedAt: undefined, channelClosedAt: now - hour }) },
      node: { endpoints: [stoppedAt('websocket', 'stripped', { status: 200 })] },
    }),
  },
  {
    cause: 'windows-proxy-layers',
    evidence: at(stoppedAt('tcp', 'timeout'), {
      host: { platform: 'Windows', libc: undefined, imageState: 'IMAGE_STATE_COMPLETE' },
      proxy: { shell: { source: 'winhttp', https: 'http://10.1.1.1:3128' } },
    }),
    confidence: 'likely',
    says: { proxy: 'http://10.1.1.1:3128' },
  },
];
