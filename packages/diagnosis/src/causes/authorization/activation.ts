/** Registrations that were refused, by what the activation's record, the door and the agent's log say. */
import {
  type Attempt,
  type Facts,
  lineSaying,
  observe,
  observeAttempt,
  observeLine,
} from '../../facts/index.ts';
import { byOperator } from '../../fixes/index.ts';
import { type Cause, excluded, type Finding, type FixPlan, likely, proven, unknown } from '../cause.ts';

const day = 24 * 60 * 60_000;

/** The newest refused registration: a person tries once, so that it counts for longer than an agent's attempt. */
function registrationAttempt(facts: Facts): Attempt | undefined {
  return facts.attempts.find(
    ({ reason, lastAt }) =>
      /^(activation-|registration-key-conflict)/.test(reason) && lastAt > facts.now - 7 * day,
  );
}

/** Decides by the last refused registration, or by what the agent's log says of it. */
function byRefusal(facts: Facts, reason: string, saying: RegExp): Finding {
  if (facts.row?.lastPing !== undefined) return excluded;
  const attempt = registrationAttempt(facts);
  const line = lineSaying(facts, saying);
  const { activation } = facts.records ?? {};
  const mine = attempt?.reason === reason ? attempt : undefined;
  if (!mine && !line) return attempt || (facts.door && facts.records) ? excluded : unknown;
  const seen = [
    ...(mine ? [observeAttempt(mine)] : []),
    ...(line ? [observeLine(line)] : []),
    ...(activation
      ? [
          observe(
            'records',
            'activations',
            'activation',
            `${activation.activationId} ${activation.used}/${activation.limit}`,
            activation.expiresAt,
          ),
        ]
      : []),
  ];
  const parameters = {
    activation: activation?.activationId ?? mine?.claim ?? '?',
    count: String(mine?.count ?? 1),
    until: String(activation?.expiresAt ?? facts.now),
    used: String(activation?.used ?? '?'),
    limit: String(activation?.limit ?? '?'),
    detail: mine?.detail ?? line?.text ?? '?',
  };
  if (line || mine?.proof === 'proven') return proven(seen, parameters);
  return likely(mine?.tie === 'address' ? 'only-address' : 'only-claimed', seen, parameters);
}

function renew(
  _facts: Facts,
  { parameters }: { readonly parameters: Readonly<Record<string, string>> },
): FixPlan | undefined {
  // Not a slot that could be anything: only an activation that our own books know.
  const id = /^[0-9a-f-]{36}$/.test(parameters.activation ?? '') ? parameters.activation : undefined;
  const command = byOperator('rollcall', 'activation', 'renew', id);
  return command && { risk: 'guarded', commands: [command], withinSeconds: 300 };
}

const expired: Cause = {
  id: 'activation-expired',
  gate: 'authorization',
  solution: null,
  breaks: 'listed',
  sign: 'activation-expired',
  near: ['activation-limit-reached', 'activation-invalid', 'deregistered', 'clock-skew'],
  decide: (facts) => byRefusal(facts, 'activation-expired', /ActivationExpired/),
  fix: renew,
  en: {
    name: 'activation expired',
    because: 'its activation {activation} has expired; it tried {count} times',
    fix: 'lets machines register with this activation again; those that did are not touched',
    explain:
      'Make a new activation (rollcall activation create) and enrol with it. Nodes that registered before the end are not affected.',
    about:
      "An activation is good for 24 hours unless said otherwise, for 30 days at most. Its end doesn't touch nodes that have registered.",
  },
  ja: {
    name: 'アクティベーションの期限切れ',
    because: 'アクティベーション {activation} の期限が切れている（試行 {count} 回）',
    fix: 'このアクティベーションで再び登録できるようになります。登録済みのノードには影響しません',
    explain:
      '新しいアクティベーションを作り（rollcall activation create）、それで登録してください。期限前に登録したノードには影響ありません。',
    about:
      'アクティベーションの有効期間は、指定がなければ 24 時間、最長 30 日です。期限が切れても登録済みのノードには影響しません。',
  },
};

const limitReached: Cause = {
  id: 'activation-limit-reached',
  gate: 'authorization',
  solution: null,
  breaks: 'listed',
  sign: 'activation-limit-reached',
  near: ['activation-expired', 'activation-invalid', 'registration-key-conflict'],
  decide: (facts) => byRefusal(facts, 'activation-limit-reached', /RegistrationLimitExceeded/),
  fix: renew,
  en: {
    name: 'activation used up',
    because: 'its activation {activation} is used up ({used} of {limit})',
    fix: 'lets one more machine register with this activation',
    explain:
      'Make a new activation with a higher limit: rollcall activation create --limit N. Installing a machine anew takes one more.',
    about:
      'An activation is for as many machines as its limit says, one by default. Registering the same machine again takes another.',
  },
  ja: {
    name: 'アクティベーションの上限',
    because: 'アクティベーション {activation} の登録数が上限に達している（{used} / {limit}）',
    fix: 'このアクティベーションで登録できる台数が増えます',
    explain:
      '上限を増やした新しいアクティベーションを作ってください: rollcall activation create --limit N。同じマシンの入れ直しでも 1 台分使います。',
    about:
      'アクティベーションで登録できる台数には上限があります（既定は 1 台）。同じマシンの再登録も 1 台と数えます。',
  },
};

const invalid: Cause = {
  id: 'activation-invalid',
  gate: 'authorization',
  solution: null,
  breaks: 'listed',
  sign: 'activation-invalid',
  near: ['activation-expired', 'activation-limit-reached', 'wrong-region'],
  decide: (facts) => byRefusal(facts, 'activation-invalid', /InvalidActivation(Id)?\b/),
  en: {
    name: 'activation not valid',
    because:
      'the activation that it used is not valid: id and code do not belong together, or it was deleted ({detail})',
    explain:
      'Copy id and code again, without blanks, for the right region; or make a new activation: rollcall activation create.',
    about:
      'No activation has that id, or the code is another, or it belongs to another region. All of them sound the same from outside.',
  },
  ja: {
    name: '無効なアクティベーション',
    because: '使ったアクティベーションが無効である（ID とコードの組み合わせが違うか、削除済み: {detail}）',
    explain:
      'リージョンを確かめ、ID とコードを空白なしでコピーし直すか、新しく作ってください: rollcall activation create',
    about:
      'その ID のアクティベーションがないか、コードが違うか、別のリージョンのものです。外から見るとどれも同じ応答になります。',
  },
};

const keyConflict: Cause = {
  id: 'registration-key-conflict',
  gate: 'authorization',
  solution: null,
  breaks: 'listed',
  near: ['cloned-machine', 'activation-invalid', 'activation-limit-reached'],
  decide: (facts) =>
    byRefusal(
      facts,
      'registration-key-conflict',
      /PublicKeyAlreadyRegistered|InstanceAlreadyRegistered|InvalidPublicKey/,
    ),
  en: {
    name: "key is another node's",
    because: 'it tries to register with a key that belongs to another node already',
    explain:
      'Let the agent make a new key: clear its registration on this machine (it has none that works), and enrol again.',
    about:
      'The public key is registered to another machine: it was copied, or a registration succeeded whose answer was lost.',
  },
  ja: {
    name: '鍵の重複',
    because: 'すでに別のノードのものである鍵で登録しようとしている',
    explain:
      'このマシンの（使えない）登録情報を消してエージェントに新しい鍵を作らせ、もう一度登録してください。',
    about: '公開鍵が別のマシンで登録済みです。鍵がコピーされたか、登録の応答が失われました。',
  },
};

export const activation: readonly Cause[] = [expired, limitReached, invalid, keyConflict];
