/** The signature is right, and the answer is no: whose policy says so stands at the end of the refusal. */
import {
  attemptFor,
  type Facts,
  lineSaying,
  observe,
  observeAttempt,
  observeLine,
} from '../../facts/index.ts';
import { restartOnly } from '../../fixes/index.ts';
import { type Cause, excluded, type Finding, likely, proven, unknown } from '../cause.ts';

const denial = /^(?!.*data key).*(AccessDenied|is not authorized to perform|not authorized)/i;
const suffixes = {
  scp: /service control policy/i,
  boundary: /permissions boundary/i,
  endpoint: /VPC endpoint policy/i,
  session: /session policy/i,
} as const;

/** The text of the last refusal by policy, from the machine's log or from the door. */
function denied(
  facts: Facts,
):
  | { readonly text: string; readonly finding: (parameters: Readonly<Record<string, string>>) => Finding }
  | undefined {
  const line = lineSaying(facts, denial);
  const attempt = facts.attempts.find(
    (one) => one.layer === 'policy' && /access-?denied|policy/i.test(`${one.reason} ${one.detail ?? ''}`),
  );
  if (line)
    return {
      text: line.text,
      finding: (parameters) =>
        proven([observeLine(line), ...(attempt ? [observeAttempt(attempt)] : [])], parameters),
    };
  if (!attempt) return undefined;
  const seen = [
    observeAttempt(attempt),
    observe('door', 'knocks', 'detail', attempt.detail ?? '-', attempt.lastAt),
  ];
  return {
    text: attempt.detail ?? '',
    finding: (parameters) =>
      attempt.proof === 'proven' ? proven(seen, parameters) : likely('only-claimed', seen, parameters),
  };
}

function bySuffix(facts: Facts, suffix: RegExp | undefined): Finding {
  const refusal = denied(facts);
  if (!refusal)
    return facts.node && facts.agent?.log === undefined ? unknown : facts.through ? excluded : unknown;
  // Default host management is asked first on every EC2 machine, and its refusal means nothing there.
  if (/instance management role is not configured/i.test(refusal.text)) return excluded;
  const fits = suffix
    ? suffix.test(refusal.text)
    : !Object.values(suffixes).some((one) => one.test(refusal.text));
  if (!fits) return excluded;
  const action =
    /perform: ([\w-]+:\w+)/.exec(refusal.text)?.[1] ??
    /\b((?:ssm|ssmmessages|ec2messages|sts):\w+)/.exec(refusal.text)?.[1] ??
    '?';
  return refusal.finding({
    action,
    role: /assumed-role\/([\w+=,.@-]+)/.exec(refusal.text)?.[1] ?? facts.row?.role ?? '?',
  });
}

const scp: Cause = {
  id: 'scp-deny',
  gate: 'authorization',
  solution: 2,
  breaks: 'listed',
  near: ['role-denied', 'permissions-boundary', 'vpce-policy-denies'],
  decide: (facts) => bySuffix(facts, suffixes.scp),
  en: {
    name: 'denied by the organization',
    because: 'a service control policy of the organization denies {action}',
    explain: "Ask whoever keeps the organization's policies. Changing the role doesn't help.",
    about:
      'The refusal ends with "in a service control policy": no policy of the account can allow what the organization denies.',
  },
  ja: {
    name: '組織のポリシーによる拒否',
    because: '組織のサービスコントロールポリシーが {action} を拒否している',
    explain: '組織のポリシーの管理者に相談してください。ロールを変えても解決しません。',
    about:
      '拒否の文が「in a service control policy」で終わっています。組織の拒否は、アカウントのどのポリシーでも許可できません。',
  },
};

const boundary: Cause = {
  id: 'permissions-boundary',
  gate: 'authorization',
  solution: 2,
  breaks: 'listed',
  near: ['role-denied', 'scp-deny'],
  decide: (facts) => bySuffix(facts, suffixes.boundary),
  en: {
    name: 'permissions boundary',
    because: 'the permissions boundary of its role {role} does not allow {action}',
    explain: 'Have exactly this action added to the boundary by whoever keeps it.',
    about:
      'The refusal ends with "because no permissions boundary allows": the role\'s own policies are right.',
  },
  ja: {
    name: 'アクセス許可の境界',
    because: 'ロール {role} のアクセス許可の境界が {action} を許可していない',
    explain: '境界の管理者に、この操作だけを加えてもらってください。',
    about:
      '拒否の文が「because no permissions boundary allows」で終わっています。ロール自体のポリシーは正しい状態です。',
  },
};

const endpointPolicy: Cause = {
  id: 'vpce-policy-denies',
  gate: 'authorization',
  solution: 3,
  breaks: 'listed',
  near: ['role-denied', 'scp-deny'],
  decide: (facts) => bySuffix(facts, suffixes.endpoint),
  en: {
    name: 'policy of the VPC endpoint',
    because: 'the policy of the VPC endpoint does not allow {action}',
    explain: "Have exactly this action, for this role, added to the endpoint's policy.",
    about: 'The refusal names a VPC endpoint policy: the call is allowed by the role and refused on its way.',
  },
  ja: {
    name: 'VPC エンドポイントのポリシー',
    because: 'VPC エンドポイントのポリシーが {action} を許可していない',
    explain: 'エンドポイントのポリシーに、このロールのこの操作だけを加えてもらってください。',
    about:
      '拒否の文に VPC エンドポイントのポリシーとあります。ロールでは許可されていますが、途中で拒否されています。',
  },
};

const sessionPolicy: Cause = {
  id: 'session-policy',
  gate: 'authorization',
  solution: 2,
  breaks: 'listed',
  near: ['role-denied', 'permissions-boundary'],
  decide: (facts) => bySuffix(facts, suffixes.session),
  en: {
    name: 'session policy',
    because: 'the policy of its session does not allow {action}',
    explain: 'Correct the session policy where the credentials are handed out.',
    about: 'The refusal names a session policy: credentials were narrowed when they were made.',
  },
  ja: {
    name: 'セッションポリシー',
    because: 'セッションのポリシーが {action} を許可していない',
    explain: '認証情報を発行している側のセッションポリシーを直してください。',
    about: '拒否の文にセッションポリシーとあります。認証情報の発行時に権限が狭められています。',
  },
};

const dhmc: Cause = {
  id: 'dhmc-not-enabled',
  gate: 'authorization',
  solution: 2,
  breaks: 'listed',
  near: ['no-instance-profile', 'role-denied', 'dhmc-other-region'],
  decide(facts) {
    const { node, agent } = facts;
    if (!node || !agent) return unknown;
    const line = lineSaying(facts, /instance management role is not configured/i);
    if (!line) return agent.log ? excluded : unknown;
    // With a profile the agent never needs it; the lines are there nevertheless.
    if (node.metadata?.role !== undefined) return excluded;
    if (!node.metadata?.answers) return unknown;
    return proven([observeLine(line), observe('node', '169.254.169.254', 'role', 'none', node.at)]);
  },
  en: {
    name: 'neither profile nor default management',
    because: 'it has no instance profile, and default host management is not set up in this region',
    explain:
      'Attach an instance profile with AmazonSSMManagedInstanceCore, or set up Default Host Management for this region; then restart the agent.',
    about:
      'The metadata service offers no role, and the service answers that no instance management role is configured for the account.',
  },
  ja: {
    name: 'プロファイルもデフォルト管理もなし',
    because: 'インスタンスプロファイルがなく、このリージョンでデフォルトホスト管理も設定されていない',
    explain:
      'AmazonSSMManagedInstanceCore のインスタンスプロファイルを付けるか、このリージョンでデフォルトホスト管理を設定し、エージェントを再起動してください。',
    about:
      'メタデータサービスにロールがなく、サービスはアカウントにインスタンス管理ロールがないと応答しています。',
  },
};

const roleDenied: Cause = {
  id: 'role-denied',
  gate: 'authorization',
  solution: 2,
  breaks: 'listed',
  near: ['scp-deny', 'permissions-boundary', 'vpce-policy-denies', 'no-instance-profile', 'clock-skew'],
  decide: (facts) => bySuffix(facts, undefined),
  en: {
    name: 'role lacks a permission',
    because: 'its role {role} may not call {action}',
    explain:
      'Allow exactly {action} for that role (AmazonSSMManagedInstanceCore has what an agent needs), then restart the agent: else it waits for up to 30 minutes.',
    about: "The agent's own signed call was refused, and the refusal names no policy above the role.",
  },
  ja: {
    name: 'ロールの権限不足',
    because: 'ロール {role} に {action} の権限がない',
    explain:
      'このロールに {action} だけを許可し（エージェントに必要な権限は AmazonSSMManagedInstanceCore にあります）、エージェントを再起動してください。しないと最長 30 分待ちます。',
    about: 'エージェント自身の署名付き呼び出しが拒否され、その文にロールより上位のポリシーは出てきません。',
  },
};

const credentialsExpired: Cause = {
  id: 'ec2-creds-stale-after-resume',
  gate: 'authorization',
  solution: null,
  breaks: 'listed',
  near: ['clock-skew', 'credentials-revoked', 'role-denied'],
  decide(facts) {
    const attempt = attemptFor(facts, 'expired-token');
    const line = lineSaying(facts, /ExpiredToken|security token included in the request is expired/i);
    if (!attempt && !line) return facts.agent?.log || facts.door ? excluded : unknown;
    const seen = [...(attempt ? [observeAttempt(attempt)] : []), ...(line ? [observeLine(line)] : [])];
    return line || attempt?.proof === 'proven' ? proven(seen) : likely('only-claimed', seen);
  },
  fix: restartOnly,
  en: {
    name: 'credentials have expired',
    because: 'its agent goes on using credentials that have expired, as after a long sleep of the machine',
    fix: 'restarts the agent, which fetches new credentials',
    explain: 'Restart the agent: it fetches new credentials.',
    about:
      "The token in the agent's signed calls has expired, and it does not fetch another: the machine slept or was halted for longer than the token lasts.",
  },
  ja: {
    name: '認証情報の期限切れ',
    because: 'マシンの長い休止の後のように、エージェントが期限切れの認証情報を使い続けている',
    fix: 'エージェントを再起動し、新しい認証情報を取得させます',
    explain: 'エージェントを再起動してください。新しい認証情報を取得します。',
    about:
      'エージェントの署名付き呼び出しのトークンが期限切れのまま更新されていません。トークンの有効期間より長くマシンが休止していました。',
  },
};

const credentialsRevoked: Cause = {
  id: 'credentials-revoked',
  gate: 'authorization',
  solution: null,
  breaks: 'listed',
  near: ['deregistered', 'ec2-creds-stale-after-resume'],
  decide(facts) {
    const attempt = attemptFor(facts, 'revoked-token');
    if (!facts.door) return unknown;
    if (!attempt) return excluded;
    return attempt.proof === 'proven'
      ? proven([observeAttempt(attempt)])
      : likely('only-claimed', [observeAttempt(attempt)]);
  },
  fix: restartOnly,
  en: {
    name: 'credentials were revoked',
    because: 'its credentials were revoked on the server, and its agent still uses them',
    fix: 'restarts the agent, which asks for new credentials with its key',
    explain: 'Restart the agent: with its key it gets new credentials at once.',
    about: 'A newer epoch of the node made its former tokens void. Its key is still good.',
  },
  ja: {
    name: '認証情報の失効',
    because: 'サーバー側で失効させた認証情報を、エージェントがまだ使っている',
    fix: 'エージェントを再起動し、鍵を使って新しい認証情報を取得させます',
    explain: 'エージェントを再起動してください。鍵があるので、すぐに新しい認証情報を取得します。',
    about: 'ノードの世代が進み、以前のトークンが無効になりました。鍵は有効なままです。',
  },
};

const foreignCredentials: Cause = {
  id: 'foreign-credentials',
  gate: 'authorization',
  solution: 2,
  breaks: 'listed',
  near: ['registered-elsewhere', 'role-denied', 'shared-credentials-file-clash'],
  decide(facts) {
    const attempt = attemptFor(facts, 'foreign-access-key', 'foreign-session-token', 'unknown-access-key');
    if (!facts.door) return unknown;
    if (!attempt) return excluded;
    return likely('only-claimed', [observeAttempt(attempt)], { key: attempt.claim ?? '?' });
  },
  en: {
    name: 'credentials of another place',
    because: "it signs with the key {key}, which is not one of this server: a real AWS account's, it seems",
    explain:
      'Register the machine here (rollcall activation create); on EC2 the agent otherwise uses the instance profile of the real account.',
    about: 'The server was asked with an access key of the kind that AWS gives out, and it is none of ours.',
  },
  ja: {
    name: '別の場所の認証情報',
    because: 'このサーバーのものではない鍵 {key}（実際の AWS アカウントのものと思われる）で署名している',
    explain:
      'マシンをここに登録してください（rollcall activation create）。EC2 では、登録しないと実アカウントのインスタンスプロファイルが使われます。',
    about: 'AWS が発行する形式のアクセスキーで要求が届きましたが、このサーバーのものではありません。',
  },
};

const credentialsClash: Cause = {
  id: 'shared-credentials-file-clash',
  gate: 'authorization',
  solution: null,
  breaks: 'listed',
  near: ['foreign-credentials', 'role-denied', 'disk-full'],
  decide(facts) {
    if (!facts.node || !facts.agent) return unknown;
    const line = lineSaying(
      facts,
      /unable to load shared credentials|write credentials to disk|Credentials are not available when they should be/i,
    );
    if (!line) return facts.agent.log ? excluded : unknown;
    return proven([observeLine(line)]);
  },
  en: {
    name: 'credentials file is in the way',
    because:
      "its agent can't use the shared credentials file (/root/.aws/credentials), which something else changed",
    explain:
      "Move that file aside and restart the agent; look for AWS_PROFILE and its like in the unit's environment.",
    about:
      'The official agent of a hybrid node writes its credentials where the AWS CLI of root reads them; another tool wrote, locked or broke that file.',
  },
  ja: {
    name: '認証情報ファイルの競合',
    because: 'エージェントが共有の認証情報ファイル（/root/.aws/credentials）を使えない（別のものが変更した）',
    explain:
      'そのファイルを別の場所へ移してエージェントを再起動してください。ユニットの環境に AWS_PROFILE などがないかも確認します。',
    about:
      'ハイブリッドノードの公式エージェントは、root の AWS CLI と同じ場所に認証情報を書きます。別の道具がそのファイルを書き換えたか、ロックしたか、壊しました。',
  },
};

const kmsDenied: Cause = {
  id: 'kms-denied',
  gate: 'authorization',
  solution: null,
  breaks: 'working',
  near: ['role-denied', 'session-channel-missing'],
  decide(facts) {
    if (!facts.node || !facts.agent) return unknown;
    const line = lineSaying(facts, /fetching data key|unable to retrieve data key/i);
    if (!line) return facts.agent.log ? excluded : unknown;
    return proven([observeLine(line)]);
  },
  en: {
    name: 'key of the sessions is refused',
    because: 'its sessions are to be encrypted with a key that its role may not use',
    explain:
      'Allow kms:Decrypt with that key for the role of the node, or take the key out of the session preferences.',
    about:
      "Sessions start and end at once: the preferences demand a KMS key, and the node can't fetch its data key.",
  },
  ja: {
    name: 'セッション用の鍵の拒否',
    because: 'セッションの暗号化に使う鍵を、このノードのロールが使えない',
    explain: 'ノードのロールにその鍵での kms:Decrypt を許可するか、セッションの設定から鍵を外してください。',
    about:
      'セッションが始まってすぐに終わります。設定で KMS の鍵が求められ、ノードがデータキーを取得できません。',
  },
};

const throttled: Cause = {
  id: 'rate-throttled',
  gate: 'authorization',
  solution: null,
  breaks: 'listed',
  passing: true,
  near: ['channel-backoff', 'agent-backing-off'],
  decide(facts) {
    const attempt = attemptFor(facts, 'throttled');
    const line = lineSaying(facts, /ThrottlingException|Rate ?exceeded/i);
    if (!attempt && !line) return facts.door || facts.agent?.log ? excluded : unknown;
    const seen = [...(attempt ? [observeAttempt(attempt)] : []), ...(line ? [observeLine(line)] : [])];
    return line || attempt?.proof === 'proven' ? proven(seen) : likely('only-claimed', seen);
  },
  en: {
    name: 'too many requests',
    because: 'its calls are put off because too many come at once',
    explain:
      'Wait: the agents spread themselves. If it lasts, raise the limit in the settings, or look for a program that asks in a loop.',
    about:
      'The service answered that calls come too fast: after many machines started together, or when something on the machine asks in a loop.',
  },
  ja: {
    name: '要求の集中',
    because: '一度に届く要求が多すぎて、呼び出しが先送りされている',
    explain:
      '待てばエージェントの時刻がばらけます。続く場合は設定の上限を上げるか、繰り返し要求しているプログラムを探してください。',
    about:
      '多数のマシンの同時起動や、マシン上のプログラムの繰り返しにより、要求が速すぎるとサービスが応答しました。',
  },
};

export const permission: readonly Cause[] = [
  dhmc,
  scp,
  boundary,
  endpointPolicy,
  sessionPolicy,
  roleDenied,
  credentialsExpired,
  credentialsRevoked,
  foreignCredentials,
  credentialsClash,
  kmsDenied,
  throttled,
];
