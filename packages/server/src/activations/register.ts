/**
 * `RegisterManagedInstance`: a machine with an activation code becomes a node. Whoever has no right code
 * hears one and the same sentence, whatever is wrong; whoever has it hears the truth.
 */
import type { Tag } from '@aws-sdk/client-ssm';
import type { RegisterManagedInstanceInput, RegisterManagedInstanceOutput } from '@rollcall/wire';
import { recordAudit } from '../audit/index.ts';
import { invalidPublicKey, nodeArn, readPublicKey } from '../nodes/index.ts';
import { type AnyOperation, type Call, operation, Refusal } from '../service/index.ts';
import type { ActivationsRow, WriteTx } from '../store/index.ts';
import { hashCode, isCode } from './codes.ts';
import type { ActivationsDeps } from './deps.ts';
import { Guesses } from './guesses.ts';
import {
  findActivation,
  nodeWithKey,
  regionOfActivation,
  returnRegistration,
  takeRegistration,
} from './queries.ts';

/** Checked against when there is no such activation, so that this takes as long as a wrong code. */
const nobody = hashCode('');

/** Declares the registration. */
export function registerOperation(deps: ActivationsDeps): AnyOperation {
  const { store } = deps;
  const guesses = new Guesses(deps.guessesPerMinute ?? (() => 20));

  return operation<RegisterManagedInstanceInput, RegisterManagedInstanceOutput>({
    service: 'ssm',
    name: 'RegisterManagedInstance',
    access: { by: 'activation' },
    changes: true,
    async handle(call, input) {
      const activationId = input.ActivationId ?? '';
      const found = await store.read(async (tx) => {
        const region = await regionOfActivation(tx, regionsFor(call, deps.regions), activationId);
        return region === undefined ? undefined : findActivation(tx, region, activationId);
      });
      if (!isCode(input.ActivationCode ?? '', found?.code_hash ?? nobody) || !found) {
        if (!guesses.take(activationId, call.at)) throw tooManyGuesses(activationId);
        throw invalidActivation(activationId, found ? 'wrong code' : 'no such activation');
      }
      const wanted = call.headers['x-rollcall-region'];
      if (wanted !== undefined && wanted !== found.region) throw otherRegion(found, wanted);
      if (!readPublicKey(input.PublicKey, input.PublicKeyType)) throw invalidPublicKey();
      return { InstanceId: await store.write((tx) => register(deps, tx, call, found, input)) };
    },
  });
}

/**
 * Takes a registration, or finds that this very key has one: a machine whose answer was lost tries again,
 * and must not use up another. The guarded update comes first, for whoever updates the activation waits
 * for others that do, and then sees what they registered.
 */
async function register(
  deps: ActivationsDeps,
  tx: WriteTx,
  call: Call,
  { region, activation_id: activationId }: ActivationsRow,
  input: RegisterManagedInstanceInput,
): Promise<string> {
  const taken = await takeRegistration(tx, region, activationId, call.at);
  const known = await nodeWithKey(tx, region, activationId, input.PublicKey);
  if (known) {
    if (taken) await returnRegistration(tx, region, activationId);
    if (known.fingerprint === (input.Fingerprint ?? '')) return known.node_id;
    throw new Refusal('PublicKeyAlreadyRegistered', 'The public key is registered to another machine.', {
      knock: { reason: 'registration-key-conflict', claim: activationId },
    });
  }
  const activation = await findActivation(tx, region, activationId);
  if (!activation) throw invalidActivation(activationId, 'no such activation');
  if (!taken) throw usedUp(activation, call.at);
  const tags: readonly Tag[] = JSON.parse(activation.tags);
  const nodeId = await deps.nodes.register(tx, {
    region,
    activationId,
    iamRole: activation.iam_role,
    name: activation.default_instance_name,
    publicKey: input.PublicKey,
    publicKeyType: input.PublicKeyType,
    fingerprint: input.Fingerprint ?? '',
    tags,
    at: call.at,
  });
  await recordAudit(
    tx,
    { ...call, region },
    { resource: nodeArn(region, call.account, nodeId), detail: { activation: activationId } },
  );
  return nodeId;
}

/** A host `ssm.REGION.DOMAIN` means that region only; any other host, whichever has the activation. */
function regionsFor(call: Call, regions: readonly string[]): readonly string[] {
  const named = call.headers.host?.split('.')[1];
  return named === call.region
    ? [call.region]
    : [call.region, ...regions.filter((one) => one !== call.region)];
}

function invalidActivation(activationId: string, detail: string): Refusal {
  return new Refusal(
    'InvalidActivation',
    "The activation isn't valid. It may have been deleted, or the activation ID and the code don't belong together.",
    { detail, knock: { reason: 'activation-invalid', claim: activationId, detail } },
  );
}

/** Said to who has the right code only. Without it the machine would register where it never looks again. */
function otherRegion({ activation_id: claim, region }: ActivationsRow, wanted: string): Refusal {
  return new Refusal(
    'InvalidActivation',
    `The activation belongs to region ${region}, and the machine asks for region ${wanted}.`,
    { knock: { reason: 'activation-invalid', claim, detail: `asked for region ${wanted}` } },
  );
}

function tooManyGuesses(activationId: string): Refusal {
  return new Refusal('ThrottlingException', 'Rate exceeded. Wait a moment and try again.', {
    knock: { reason: 'activation-invalid', claim: activationId, detail: 'too many wrong codes' },
  });
}

function usedUp(activation: ActivationsRow, now: number): Refusal {
  const claim = activation.activation_id;
  if (activation.expires_at <= now) {
    const expired = new Date(activation.expires_at).toISOString();
    return new Refusal('ActivationExpired', `The activation expired at ${expired}. Create a new one.`, {
      knock: { reason: 'activation-expired', claim },
    });
  }
  return new Refusal(
    'RegistrationLimitExceeded',
    `The activation was made for ${activation.registration_limit} registration(s), and all are used. Create a new one.`,
    { knock: { reason: 'activation-limit-reached', claim } },
  );
}
