/** The certificate isn't trusted: the store, the environment, an inspecting proxy, or a missing root. */
import { attemptFor, type Facts, hostOf, observe, observeAttempt } from '../../facts/index.ts';
import { all, type Command, onNode, serviceCommand, slot } from '../../fixes/index.ts';
import { type Cause, excluded, type FixPlan, likely, proven, unknown } from '../cause.ts';
import { byFault, covers, place } from './fault.ts';
import { isAnotherHost, isShownAlone, isStrange, refusedHandshake } from './server-side.ts';

const trustVariables = /^(AWS_CA_BUNDLE|SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS)$/;
const inspectors =
  /zscaler|forti(net|gate)|palo ?alto|netskope|blue ?coat|symantec web|sophos|mitmproxy|squid|untangle|check ?point|umbrella|kaspersky|avast|bitdefender|eset|mcafee|barracuda|watchguard|inspect/i;

const isUntrusted = ({ layer, error }: { layer: string; error: string }) =>
  layer === 'tls' && error === 'untrusted';

const storeUnreadable: Cause = {
  id: 'ca-store-unreadable',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['ca-missing', 'ca-bundle-env', 'vault-unreadable'],
  decide: (facts) =>
    byFault(
      facts,
      ({ layer, error, endpoint }) =>
        layer === 'tls' &&
        (error === 'no-store' || (error === 'untrusted' && endpoint.tls?.store?.readable === false)),
      (fault, seen) => proven(seen, { path: fault.endpoint.tls?.store?.path ?? fault.detail ?? '?' }),
    ),
  en: {
    name: "store of roots can't be read",
    because: "its agent can't read the store of trusted roots ({path})",
    explain:
      'Install ca-certificates, or make the store readable again (mode 0644, readable folders above it).',
    about: 'The file or folder with trusted roots that this agent reads is missing or may not be read.',
  },
  ja: {
    name: 'ルート証明書ストアが読めない',
    because: 'エージェントがルート証明書のストア（{path}）を読めない',
    explain:
      'ca-certificates を入れるか、ストアを読めるように戻してください（モード 0644、上位フォルダーも読み取り可）。',
    about: 'このエージェントの参照するルート証明書のファイルかフォルダーがないか、読み取れません。',
  },
};

const bundleInEnvironment: Cause = {
  id: 'ca-bundle-env',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['ca-missing', 'tls-inspection', 'ca-store-unreadable'],
  decide(facts) {
    // The store is right, and some of the agent's calls read this file in its place.
    const replaced = facts.path?.works && facts.path.needed.find(({ tls }) => tls?.bundle?.hasRoot === false);
    if (replaced) {
      const { path, by = 'AWS_CA_BUNDLE' } = replaced.tls!.bundle!;
      return proven(
        [
          observe('node', 'agent', by, path, facts.node?.at),
          observe('node', 'trust store', 'not-in', path, facts.node?.at),
        ],
        { variable: by, path, ...hostOf(replaced) },
      );
    }
    return byFault(facts, isUntrusted, (fault, seen) => {
      const { store } = fault.endpoint.tls ?? {};
      const environment = { ...facts.agent?.service?.environment, ...facts.process?.environment };
      const variable = store?.by ?? Object.keys(environment).find((name) => trustVariables.test(name));
      if (variable === undefined || !trustVariables.test(variable)) return excluded;
      const path = environment[variable] ?? store?.path ?? '?';
      const all = [...seen, observe('node', 'agent', variable, path, facts.node?.at)];
      const parameters = { variable, path, ...place(fault) };
      // Shown by somebody else: then a better bundle would only make the inspection trusted.
      if (isStrange(facts)) return excluded;
      return store?.by === variable ? proven(all, parameters) : likely('store-unknown', all, parameters);
    });
  },
  en: {
    name: 'agent is told another store of roots',
    because:
      "{variable} in its agent's environment replaces the trusted roots by {path}, which lacks the server's",
    explain:
      "Take {variable} out of the environment of the agent's unit, or add the server's authority to {path}; restart the agent.",
    about:
      "A variable in the agent's environment names a file of roots. It replaces those of the system for some of the agent's calls and not for others.",
  },
  ja: {
    name: '環境変数による証明書ストアの差し替え',
    because:
      'エージェントの環境変数 {variable} が信頼するルートを {path} に差し替えていて、そこにサーバーのルートがない',
    explain:
      'エージェントのユニットの環境から {variable} を外すか、{path} にサーバーの認証局を加え、エージェントを再起動してください。',
    about:
      'エージェントの環境変数が証明書のファイルを指定しています。エージェントの一部の通信だけが、システムのものの代わりにそれを使います。',
  },
};

const inspection: Cause = {
  id: 'tls-inspection',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  whileThrough: 'likely',
  near: ['ca-missing', 'certificate-wrong-name', 'server-identity-changed'],
  decide: (facts) =>
    byFault(facts, isUntrusted, (fault, seen) => {
      const tls = fault.endpoint.tls;
      const issuer = (isShownAlone(facts) ? tls?.issuer : (tls?.rootSubject ?? tls?.issuer)) ?? '?';
      const all = [
        ...seen,
        observe('node', fault.endpoint.url, 'issuer', issuer, facts.node?.at),
        ...(tls?.fingerprint
          ? [observe('node', fault.endpoint.url, 'shown', tls.fingerprint, facts.node?.at)]
          : []),
        ...(facts.fleet?.certificate
          ? [observe('records', 'certificate', 'own', facts.fleet.certificate.fingerprint)]
          : []),
      ];
      const parameters = { issuer, ...place(fault) };
      if (isAnotherHost(facts)) return excluded;
      const strange = isStrange(facts);
      if (strange === true) return proven(all, parameters);
      if (strange === false) return excluded;
      const { host } = hostOf(fault.endpoint);
      if (/\.amazonaws\.com(\.cn)?$/.test(host))
        return issuer === '?'
          ? unknown
          : /amazon|starfield/i.test(issuer)
            ? excluded
            : proven(all, parameters);
      // Our agent was given the server's authority. Somebody else vouches for the server's very name.
      const isPinned = tls?.store?.by === 'identity.json' && issuer !== '?' && !/rollcall/i.test(issuer);
      const mimics =
        isPinned && !isShownAlone(facts) && (tls?.names ?? []).some((name) => covers(name, host));
      return mimics || inspectors.test(issuer) ? likely('by-issuer', all, parameters) : unknown;
    }),
  en: {
    name: 'TLS is opened on the way',
    because:
      "somebody opens its TLS connections on the way: the certificate is issued by {issuer}, not by the server's authority",
    explain:
      "Have {host} taken out of the inspection. Adding the inspector's root to a whole fleet is for whoever is responsible for it to decide.",
    about:
      "The certificate that the machine is shown isn't the server's: a proxy opens the connection and shows its own.",
  },
  ja: {
    name: 'TLS の検査プロキシ',
    because: '途中で TLS 通信が開かれていて、証明書の発行者がサーバーの認証局ではなく {issuer} である',
    explain:
      '{host} を検査の対象外にしてもらってください。検査用のルートを全台に加えるかどうかは、責任者が判断することです。',
    about:
      'マシンに示された証明書がサーバーのものではありません。プロキシが通信を開き、自分の証明書を示しています。',
  },
};

const caMissing: Cause = {
  id: 'ca-missing',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  whileThrough: 'likely',
  sign: 'tls',
  near: [
    'certificate-wrong-name',
    'certificate-expired-or-not-yet-valid',
    'clock-skew',
    'tls-inspection',
    'ca-bundle-env',
    'server-identity-changed',
  ],
  decide(facts) {
    if (facts.path)
      return byFault(facts, isUntrusted, (fault, seen) => {
        const tls = fault.endpoint.tls;
        const store = tls?.store;
        const refused = attemptFor(facts, ...refusedHandshake);
        const issuer = (isShownAlone(facts) ? tls?.issuer : (tls?.rootSubject ?? tls?.issuer)) ?? '?';
        const all = [
          ...seen,
          observe('node', fault.endpoint.url, 'issuer', issuer, facts.node?.at),
          ...(store ? [observe('node', 'trust store', 'not-in', store.path, store.changedAt)] : []),
          ...(store?.awsRoots ?? []).map(({ name, present }) =>
            observe('node', store?.path ?? 'trust store', name, present ? 'yes' : 'no'),
          ),
          ...(refused ? [observeAttempt(refused)] : []),
        ];
        const parameters = { ...place(fault), issuer, store: store?.path ?? '?', root: tls?.root ?? '' };
        if (store?.hasRoot === true || isAnotherHost(facts)) return excluded;
        const strange = isStrange(facts);
        if (strange !== true && isShownAlone(facts)) return likely('shown-alone', all, parameters);
        if (strange === false) return proven(all, parameters);
        // A name in a certificate proves nothing by itself; that a root of AWS is missing was looked at.
        const lacksAwsRoot = store?.awsRoots?.some(({ present }) => !present) === true;
        if (strange === undefined && lacksAwsRoot && isAmazon(fault.endpoint.url, issuer))
          return proven(all, parameters);
        return strange === undefined ? likely('issuer-unknown', all, parameters) : excluded;
      });
    return fromTheDoor(facts);
  },
  fix: trustFix,
  en: {
    name: 'root certificate missing',
    because: "it doesn't trust the server's certificate",
    fix: 'changes what this machine trusts: one authority more',
    explain:
      'Install ca-certificates where the roots of AWS are missing; for this server: rollcall trust URL FINGERPRINT, with the fingerprint that "rollcall status" shows on the server. A server that shows its certificate alone may lack the intermediate one: then have it show the whole chain (--tls-cert), and change nothing on the nodes.',
    about:
      "The chain that the server shows ends in an authority that isn't in the store which this agent reads. Curl and the agent may read different stores.",
  },
  ja: {
    name: 'ルート証明書の不足',
    because: 'サーバーの証明書をこのマシンが信頼していない',
    fix: 'このマシンが信頼する認証局が 1 つ増えます',
    explain:
      'AWS のルートがない場合は ca-certificates を入れ、このサーバーについては rollcall trust URL FINGERPRINT を実行してください（フィンガープリントはサーバーでの rollcall status に表示されます）。サーバーが自分の証明書だけを示している場合は、中間証明書の不足が疑われます。その場合はノードを変えず、サーバーにチェーン全体を示させてください（--tls-cert）。',
    about:
      'サーバーの示す証明書チェーンの認証局が、このエージェントの参照するストアにありません。curl とエージェントの参照先は異なることがあります。',
  },
};

/** Without the machine's own evidence: what is left when everything else is excluded. */
function fromTheDoor(facts: Facts) {
  const { fleet, now } = facts;
  const refused = attemptFor(facts, ...refusedHandshake);
  if (!facts.door) return unknown;
  if (!refused) return excluded;
  const certificate = fleet?.certificate;
  const isValid =
    certificate && certificate.notAfter > now && certificate.notBefore < refused.firstAt - 600_000;
  const knows =
    refused.serverName === undefined ||
    certificate?.names.some((name) => covers(name, refused.serverName ?? ''));
  const isAgent = ['go', 'node'].includes(refused.client);
  const isCertain =
    refused.reason === 'client-rejected-certificate' || refused.reason === 'reset-after-certificate';
  if (!isValid || !knows || !isAgent || !isCertain) return unknown;
  return likely(
    'by-elimination',
    [observeAttempt(refused), observe('door', 'knocks', 'client', refused.client, refused.lastAt)],
    {
      host: refused.serverName ?? '?',
      issuer: '?',
      store: '?',
      root: '',
    },
  );
}

function isAmazon(url: string, issuer: string): boolean {
  return /\.amazonaws\.com(\.cn)?$/.test(hostOf({ url }).host) && /amazon|starfield/i.test(issuer);
}

/** Trust is offered only for what our own books say is the server's authority, never for whatever was shown. */
function trustFix(facts: Facts): FixPlan | undefined {
  const fault = facts.path?.fault;
  const authority = facts.fleet?.certificate?.caFingerprint?.replaceAll(':', '').toLowerCase();
  if (!fault || authority === undefined || facts.agent?.kind !== 'official') return undefined;
  // What stands for the authority is the server's own certificate then, and vouches for nothing.
  if (isShownAlone(facts)) return undefined;
  const url = slot('url', place(fault).url);
  const trust = onNode(
    'rollcall',
    'trust',
    url,
    slot('fingerprint', `sha256:${authority.replace(/^sha256/, '')}`),
  );
  const untrust = onNode('rollcall', 'untrust', url);
  const restart: Command | undefined = serviceCommand(facts, 'restart');
  const commands = restart ? all(trust, restart) : all(trust);
  return commands && untrust && { risk: 'guarded', commands, undo: [untrust], withinSeconds: 30 };
}

export const trust: readonly Cause[] = [storeUnreadable, inspection, bundleInEnvironment, caMissing];
