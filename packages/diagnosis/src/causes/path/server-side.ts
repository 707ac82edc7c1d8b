/** Refused handshakes whose reason is the server's certificate, or something between that judges it. */
import { attemptFor, type Facts, hostOf, observe, observeAttempt } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';
import { covers } from './fault.ts';

/** How a client that judged our certificate looks at the door. */
export const refusedHandshake = [
  'client-rejected-certificate',
  'reset-after-certificate',
  'handshake-then-nothing',
  'client-alert',
] as const;

/** The machine itself says that it doesn't trust what it was shown. */
export function distrusts({ path }: Facts): boolean {
  return path?.fault?.layer === 'tls' && path.fault.error === 'untrusted';
}

/**
 * What was shown is the server's own certificate and nothing else, issued by somebody who isn't shown: its
 * intermediate certificate is missing there, or the root here. A chain of one can't tell which.
 */
export function isShownAlone({ path }: Facts): boolean {
  const tls = path?.fault?.endpoint.tls;
  return tls?.rootSelfSigned === false && tls.root !== undefined && tls.root === tls.fingerprint;
}

const serverCertificateExpired: Cause = {
  id: 'server-certificate-expired',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  shared: true,
  near: ['certificate-expired-or-not-yet-valid', 'ca-missing', 'server-identity-changed'],
  decide(facts) {
    const certificate = facts.fleet?.certificate;
    if (!certificate) return unknown;
    const { now, path, node } = facts;
    if (certificate.notAfter > now && certificate.notBefore <= now) return excluded;
    const seen = [
      observe(
        'records',
        'certificate',
        'valid',
        `${iso(certificate.notBefore)} ${iso(certificate.notAfter)}`,
        now,
      ),
    ];
    const parameters = { until: String(certificate.notAfter) };
    const fault = path?.fault;
    if (fault && fault.layer !== 'tls') return excluded;
    if (fault?.endpoint.tls?.fingerprint === certificate.fingerprint)
      return proven([...seen, observe('node', fault.endpoint.url, 'tls', fault.error, node?.at)], parameters);
    return likely('by-elimination', seen, parameters);
  },
  en: {
    name: "server's certificate has expired",
    because: "the server's own certificate was valid until {until:time} only",
    explain:
      'Renew the certificate of the server (it renews its own by itself; one of yours is given by --tls-cert). Nothing is to be done on the nodes.',
    about:
      "The certificate that this server presents is outside its validity by the server's own clock. Every node refuses it.",
  },
  ja: {
    name: 'サーバー証明書の期限切れ',
    because: 'サーバー自身の証明書の有効期限が {until:time} までだった',
    explain:
      'サーバーの証明書を更新してください（サーバーが作ったものは自動更新されます。独自のものは --tls-cert で指定します）。ノード側の対応は不要です。',
    about:
      'サーバーの提示する証明書が、サーバー自身の時計で見ても有効期間外です。すべてのノードに拒否されます。',
  },
};

const serverIdentityChanged: Cause = {
  id: 'server-identity-changed',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  shared: true,
  near: ['ca-missing', 'tls-inspection', 'server-certificate-expired'],
  decide(facts) {
    const { fleet, row, records } = facts;
    const certificate = fleet?.certificate;
    if (!certificate) return unknown;
    const trusts = row?.trusts ?? records?.node?.trusts;
    const refused = attemptFor(facts, ...refusedHandshake);
    const group = fleet.shared?.find((one) => one.sign === 'tls');
    const many = group !== undefined && group.nodes >= 3 && group.nodes >= group.of * 0.2;
    const { changedAt } = certificate;
    if (trusts !== undefined && trusts === certificate.caFingerprint) return excluded;
    // Without the time of it, what a node trusts has to show that it isn't what is presented now.
    if (changedAt === undefined && trusts === undefined) return excluded;
    const fault = facts.path?.fault;
    if (facts.path && !distrusts(facts)) return excluded;
    // What the machine was shown isn't ours at all: then somebody else's certificate is in between.
    if (fault && isStrange(facts)) return excluded;
    // Whose it is isn't known where its authority isn't shown.
    if (isShownAlone(facts)) return unknown;
    const seen = [
      ...(changedAt === undefined
        ? []
        : [observe('records', 'certificate', 'changed', iso(changedAt), changedAt)]),
      observe('records', 'certificate', 'fingerprint', certificate.caFingerprint, changedAt),
      ...(trusts === undefined ? [] : [observe('records', 'nodes', 'trusts', trusts)]),
      ...(refused ? [observeAttempt(refused)] : []),
      ...(many
        ? [observe('records', 'knocks', 'refused-of', `${group.nodes}/${group.of}`, group.since)]
        : []),
    ];
    const since = changedAt ?? group?.since ?? refused?.firstAt ?? facts.now;
    const parameters = { since: String(since), count: String(group?.nodes ?? 1) };
    if (trusts !== undefined && distrusts(facts)) return proven(seen, parameters);
    if (trusts !== undefined && (refused || many)) return likely('not-seen-on-node', seen, parameters);
    if (
      changedAt !== undefined &&
      many &&
      (refused || distrusts(facts)) &&
      (group.since ?? 0) >= changedAt - 60_000
    )
      return likely('by-correlation', seen, parameters);
    return trusts === undefined ? unknown : excluded;
  },
  en: {
    name: "server's authority was changed",
    because:
      'the server shows a certificate of another authority since {since:time}, which this node was never given',
    explain:
      'Bring back the former authority (ca.key and ca.crt from the backup), then let the nodes have the new one while the old one still serves. Trusting it by hand on each node works, too.',
    about:
      'The records know which authority each node trusts. The server presents another since a certain time, and nodes that trusted the former one are refused since.',
  },
  ja: {
    name: 'サーバーの認証局の変更',
    because:
      '{since:time} からサーバーが別の認証局の証明書を示していて、このノードにはその認証局が渡されていない',
    explain:
      '以前の認証局（バックアップの ca.key と ca.crt）を戻し、それが有効な間に新しい認証局を各ノードに配ってください。各ノードで手動で信頼させることもできます。',
    about:
      '各ノードが信頼する認証局は記録されています。ある時点からサーバーが別の認証局の証明書を示し、以前のものだけを信頼するノードが接続を断っています。',
  },
};

const middlebox: Cause = {
  id: 'middlebox-distrusts-us',
  gate: 'path',
  solution: 7,
  breaks: 'listed',
  shared: true,
  near: ['ca-missing', 'tls-inspection', 'corporate-firewall'],
  decide(facts) {
    const { door, fleet, path } = facts;
    if (!door) return unknown;
    if (path?.works) return excluded;
    const agents = ['go', 'node', 'unknown'];
    const knock = door.knocks.find(
      (one) =>
        (refusedHandshake as readonly string[]).includes(one.reason) &&
        !agents.includes(one.client) &&
        one.lastAt > facts.now - 90 * 60_000 &&
        // Nobody who signs comes from there, not any more: nodes may have shared the way out with the device.
        !(door.lastAccepted?.address === one.address && door.lastAccepted.at >= one.firstAt),
    );
    const group = fleet?.shared?.find((one) => one.sign.startsWith('lost'));
    if (!knock || !group || group.nodes < 3) return excluded;
    return likely(
      'by-correlation',
      [
        observe(
          'door',
          'knocks',
          'refused',
          `${knock.count} x ${knock.reason}, ${knock.address}`,
          knock.lastAt,
        ),
        observe('door', 'knocks', 'client', knock.client, knock.lastAt),
        observe('records', 'presence', 'lost-together', `${group.nodes}/${group.of}`, group.since),
      ],
      { address: knock.address, count: String(group.nodes), client: knock.client },
    );
  },
  en: {
    name: 'device on the way distrusts the server',
    because:
      'a device at {address} opens the TLS connections itself and distrusts the server; {count} nodes behind it are lost',
    explain:
      "Have the server's hosts taken out of the inspection, or its authority trusted by that device. Nothing is to be done on the nodes.",
    about:
      'Refused handshakes come from an address that never signed, by a client that is no agent, and the nodes behind it vanished with it.',
  },
  ja: {
    name: '中間装置による拒否',
    because:
      '{address} の中間装置が TLS 接続を代行していて、サーバーを信頼していない（その先の {count} 台が途切れている）',
    explain:
      'サーバーのホストを検査の対象外にするか、その装置にサーバーの認証局を信頼させてください。ノード側の対応は不要です。',
    about:
      '一度も署名を送ったことのないアドレスから、エージェントではないクライアントの TLS 拒否が届き、その先のノードが同時に途切れました。',
  },
};

/** Whether the certificate that the machine was shown is certainly not the server's. */
export function isStrange({ path, fleet }: Facts): boolean | undefined {
  const tls = path?.fault?.endpoint.tls;
  const certificate = fleet?.certificate;
  if (!tls || !certificate || tls.fingerprint === undefined) return undefined;
  if (tls.fingerprint === certificate.fingerprint || tls.root === certificate.caFingerprint) return false;
  return true;
}

/**
 * Whether somebody else altogether answers: the certificate isn't the server's, and is for other names only. Who
 * stands in for the host on the way shows one with the host's name.
 */
export function isAnotherHost(facts: Facts): boolean {
  const fault = facts.path?.fault;
  const { names = [], rootSubject, issuer } = fault?.endpoint.tls ?? {};
  if (!fault || names.length === 0 || isStrange(facts) === false) return false;
  if (/rollcall ca/i.test(`${rootSubject} ${issuer}`)) return false;
  const { host } = hostOf(fault.endpoint);
  return !names.some((name) => covers(name, host.replace(/^\[|\]$/g, '')));
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

export const serverSide: readonly Cause[] = [serverCertificateExpired, middlebox, serverIdentityChanged];
