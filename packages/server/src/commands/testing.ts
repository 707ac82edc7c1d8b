/** For tests of Run Command: everything it needs, nodes that can be reached, and the mail that they get. */
import type { TestContext } from 'node:test';
import { openBus, textBus } from '../bus/index.ts';
import { type Documents, openDocuments } from '../documents/index.ts';
import {
  account,
  type NodesWorld,
  nodePrincipal,
  openNodesWorld,
  region,
  type WorldOptions,
} from '../nodes/testing.ts';
import { type Commands, type CommandsDeps, openCommands } from './index.ts';
import type { CommandMail } from './mailbox.ts';

export { nodePrincipal, region };

/** What a test holds. */
export interface CommandsWorld extends NodesWorld {
  readonly documents: Documents;
  readonly commands: Commands;
  /** Nodes that were woken, in order. */
  readonly woken: string[];
  /** A node that reports in and holds a channel of this server. */
  member(more?: { name?: string; tags?: { Key: string; Value: string }[]; facts?: object }): Promise<string>;
  /** What the node is offered now, and has been written down as offered. */
  offers(nodeId: string): Promise<readonly CommandMail[]>;
  answer(nodeId: string, jobId: string, verdict?: 'accepted' | 'later' | 'refused'): Promise<string>;
  /** A report of the agent on `AWS-RunShellScript`. */
  reply(nodeId: string, jobId: string, status: string, step?: Partial<StepMembers>): Promise<string>;
  /** Sends `AWS-RunShellScript`; answers the command's id. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it gets.
  send(input: object): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  invocation(commandId: string, nodeId: string): Promise<any>;
}

interface StepMembers {
  status: string;
  code: number;
  standardOutput: string;
  standardError: string;
  output: string;
}

/** As the rooms call the server. */
const serverId = 'server-1';

/** Opens Run Command with all that is to its left. */
export async function openCommandsWorld(
  context: TestContext,
  options: WorldOptions & { deps?: Partial<CommandsDeps> } = {},
): Promise<CommandsWorld> {
  let commands: Commands | undefined;
  const world = await openNodesWorld(context, {
    ...options,
    hooks: { gone: async (tx, node) => commands?.gone(tx, node) },
  });
  const { store, clock, presence, tags } = world;
  const documents = openDocuments({ store, account, tags });
  const woken: string[] = [];
  const bus = openBus();
  const theCommands = openCommands({
    store,
    clock,
    account,
    presence,
    documents,
    serverId,
    decide: async () => ({ allowed: true }),
    bus: textBus(bus),
    hooks: { wake: (nodeId) => void woken.push(nodeId) },
    ...options.deps,
  });
  commands = theCommands;
  context.after(() => theCommands.close());
  world.serve([...documents.operations, ...theCommands.operations]);
  const epochs = new Map<string, number>();
  const recipient = (nodeId: string) => ({ region, nodeId, epoch: epochs.get(nodeId) });

  return {
    ...world,
    documents,
    commands: theCommands,
    woken,
    async member({ facts, ...more } = {}) {
      const nodeId = await world.join(more);
      await world.beat(nodeId, facts);
      epochs.set(nodeId, (await presence.channelOpened(region, nodeId))!);
      return nodeId;
    },
    async offers(nodeId) {
      const due = await theCommands.mailbox.due([recipient(nodeId)], 10);
      return theCommands.mailbox.offered([recipient(nodeId)], due);
    },
    answer: (nodeId, jobId, verdict = 'accepted') =>
      theCommands.mailbox.answered(recipient(nodeId), { jobId, verdict, reason: 'said so' }),
    reply(nodeId, jobId, status, step) {
      const content = JSON.stringify({
        additionalInfo: {},
        documentStatus: status,
        documentTraceOutput: '',
        runtimeStatus: step && {
          'aws:runShellScript': {
            status,
            code: 0,
            name: 'aws:runShellScript',
            output: '',
            startDateTime: '2026-11-23T12:25:09.177Z',
            endDateTime: '2026-11-23T12:25:09.221Z',
            outputS3BucketName: '',
            outputS3KeyPrefix: '',
            stepName: '',
            standardOutput: '',
            standardError: '',
            ...step,
          },
        },
      });
      return theCommands.mailbox.replied(recipient(nodeId), { jobId, content });
    },
    async send(input) {
      const answer = await world.call('SendCommand', {
        DocumentName: 'AWS-RunShellScript',
        Parameters: { commands: ['true'] },
        ...input,
      });
      return answer.Command;
    },
    invocation: (CommandId, InstanceId) => world.call('GetCommandInvocation', { CommandId, InstanceId }),
  };
}
