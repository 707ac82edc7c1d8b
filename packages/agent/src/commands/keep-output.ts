/** Keeping whole outputs elsewhere: with the server what is too long for a reply, and in S3 what the sender wants there. */

import type { Clock } from '../clock.ts';
import type { AgentConfig } from '../config.ts';
import type { Log } from '../log.ts';
import type { Job } from './job.ts';
import type { StepOutcome } from './replies.ts';
import type { StepOutput } from './run-steps.ts';
import { putObject } from './s3.ts';
import type { ServerLink } from './server-link.ts';
import { isLong, uploadOutput } from './upload.ts';

/** What keeping needs. */
export interface OutputKeeper {
  readonly link: ServerLink;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: AgentConfig;
  readonly nodeId: string;
  readonly commandId: string;
  readonly s3: Job['s3'];
  /** Takes what is to be said at the end of the command. */
  readonly remark: (text: string) => void;
}

/** Whether there is anything to keep elsewhere. */
export function isToBeKept(keeper: OutputKeeper, output: StepOutput): boolean {
  return isLong(output.stdout) || isLong(output.stderr) || keeper.s3 !== undefined;
}

/**
 * Keeps a step's output. Answers where in S3 it is, if it is there. What fails is told, and fails nothing: the
 * command itself has ended.
 */
export async function keepOutput(
  keeper: OutputKeeper,
  outcome: StepOutcome,
  /** The folder of the step in S3. */
  stepFolder: string,
  output: StepOutput,
): Promise<StepOutcome['s3']> {
  if (isLong(output.stdout) || isLong(output.stderr)) {
    const of = { nodeId: keeper.nodeId, commandId: keeper.commandId, step: outcome.name };
    await uploadOutput(keeper.link, keeper.clock, of, output).catch((error: Error) =>
      keeper.log('warn', 'The server did not take the whole output of a step.', {
        commandId: keeper.commandId,
        step: outcome.name,
        error: error.message,
      }),
    );
  }
  return keeper.s3 === undefined ? undefined : await toS3(keeper, keeper.s3, outcome, stepFolder, output);
}

async function toS3(
  keeper: OutputKeeper,
  { bucket, prefix }: NonNullable<Job['s3']>,
  { action }: StepOutcome,
  stepFolder: string,
  output: StepOutput,
): Promise<StepOutcome['s3']> {
  const { config, log, commandId } = keeper;
  const failed = (why: string) => {
    log('warn', 'Output could not be put into S3.', { commandId, bucket, error: why });
    keeper.remark(`The output is not in the bucket ${bucket}: ${why}`);
  };
  if (config.s3 === undefined) {
    failed('this agent has no s3 in its settings.');
    return undefined;
  }
  const store = { config: config.s3, way: config, clock: keeper.clock };
  const keyPrefix = [prefix, commandId, keeper.nodeId, action.replaceAll(':', '')]
    .filter((part) => part !== '')
    .join('/');
  const folder = stepFolder.replaceAll(':', '');
  try {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (output[stream].size === 0) continue;
      await putObject(store, bucket, `${keyPrefix}/${folder}/${stream}`, output[stream]);
    }
    return { bucket, keyPrefix, folder };
  } catch (error) {
    failed((error as Error).message);
    return undefined;
  }
}
