/** One command on one node, whatever it has come to: read by itself, for a command may have thousands of nodes. */
import { atData } from '../at-data.ts';
import { type Client, ServiceError } from '../client.ts';
import { exitCodes, Failure } from '../failure.ts';
import { type Finished, isLiving, type Step } from './outcome.ts';

/** The members of ListCommandInvocations that are looked at. */
export interface ListedInvocation {
  readonly InstanceId: string;
  readonly InstanceName?: string;
  readonly Status: string;
  readonly StatusDetails?: string;
  readonly TraceOutput?: string;
  readonly CommandPlugins?: readonly {
    readonly Name: string;
    readonly Status: string;
    readonly ResponseCode?: number;
  }[];
}

/** A page of ListCommandInvocations. */
export interface InvocationPage {
  readonly CommandInvocations: readonly ListedInvocation[];
  readonly NextToken?: string;
}

/** How it stands, in the form in which ends are shown; `over` tells whether it is one. */
export async function readInvocation(
  client: Client,
  CommandId: string,
  InstanceId: string,
): Promise<{ readonly over: boolean; readonly invocation: Finished }> {
  const input = { CommandId, InstanceId, Details: true };
  const page = await client.call<InvocationPage>('ssm', 'ListCommandInvocations', input);
  const [listed] = page.CommandInvocations;
  if (!listed)
    throw new Failure(
      `No command ${CommandId} went to ${InstanceId}. Where it went: rollcall commands${atData()} ${CommandId}`,
      exitCodes.no,
    );
  const Steps: Step[] = [];
  for (const plugin of listed.CommandPlugins ?? [])
    Steps.push(await readStep(client, { CommandId, InstanceId, PluginName: plugin.Name }, plugin.Status));
  const last = listed.CommandPlugins?.at(-1)?.ResponseCode;
  return {
    over: !isLiving(listed.Status),
    invocation: {
      Number: 0,
      InstanceId,
      Status: listed.Status,
      StatusDetails: listed.StatusDetails ?? listed.Status,
      ...(listed.InstanceName && { Name: listed.InstanceName }),
      ...(listed.TraceOutput && { Reason: listed.TraceOutput }),
      ...(last !== undefined && { ResponseCode: last }),
      Steps,
    },
  };
}

interface StepPlace {
  readonly CommandId: string;
  readonly InstanceId: string;
  readonly PluginName: string;
}

async function readStep(client: Client, place: StepPlace, Status: string): Promise<Step> {
  const answer = await client.call<{ StandardOutputContent?: string; StandardErrorContent?: string }>(
    'ssm',
    'GetCommandInvocation',
    place,
  );
  const { StandardOutputContent: output = '', StandardErrorContent: errors = '' } = answer;
  const outputBytes = await keptBytes(client, place, 'stdout', output);
  const errorBytes = await keptBytes(client, place, 'stderr', errors);
  return {
    Name: place.PluginName,
    Plugin: '',
    Status,
    StandardOutput: output,
    StandardError: errors,
    ...(outputBytes !== undefined && { StandardOutputBytes: outputBytes }),
    ...(errorBytes !== undefined && { StandardErrorBytes: errorBytes }),
  };
}

/** How much of a stream the server keeps, where its reply was cut. */
async function keptBytes(
  client: Client,
  { CommandId, InstanceId, PluginName: Step }: StepPlace,
  Stream: 'stdout' | 'stderr',
  shown: string,
): Promise<number | undefined> {
  if (!shown.endsWith('--output truncated--')) return undefined;
  try {
    const input = { CommandId, InstanceId, Step, Stream };
    const { Size } = await client.call<{ Size: number }>('rollcall', 'GetCommandOutput', input);
    return Size > Buffer.byteLength(shown) ? Size : undefined;
  } catch (error) {
    // Who may not read whole outputs may still see what the reply has.
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}
