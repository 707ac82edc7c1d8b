/** What a server's refusal to register means, and what to do next. */
import type { Screen } from '../output/screen.ts';
import { wrap } from '../output/table.ts';

/** The next step for each code; `ID` stands for the activation's. Its code stays good when it is renewed. */
const nextSteps: Readonly<Record<string, string>> = {
  ActivationExpired: 'On the server: rollcall activation renew ID',
  RegistrationLimitExceeded: 'On the server, with a higher limit: rollcall activation renew ID --limit N',
  InvalidActivation:
    'Compare ID and code with what "rollcall activation create" printed; codes can\'t be shown again, so when in doubt create a new activation.',
  InvalidActivationId: 'Compare the ID with: rollcall activation list',
  PublicKeyAlreadyRegistered:
    'This folder was copied from another machine: rollcall leave, then enrol again.',
  ThrottlingException: 'The server has had too many wrong codes for it. Wait a minute, then try again.',
  ValidationException: 'The ID or the code has the wrong form. Copy both again.',
};

/** Two sentences: what the server said, and what to do. */
export function explainRefusal(error: { code: string; message: string }, screen: Screen): string {
  const said = error.message.replace(`${error.code}: `, '');
  const region = /belongs to region ([a-z0-9-]+)/.exec(said)?.[1];
  const next =
    region !== undefined
      ? `If that is right, add: --region ${region}`
      : (nextSteps[error.code] ?? 'The server keeps the reason: rollcall knocks');
  const sentence = `The server refused (${screen.text(error.code, 80)}): ${screen.text(said, 500)}`;
  return [...wrap(sentence), ...wrap(next)].join('\n');
}
