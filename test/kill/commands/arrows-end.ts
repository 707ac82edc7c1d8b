/** The arrows that end an invocation, and what may come after the end. */
import { JobStatusCode } from '@rollcall/wire';
import { step, type Way } from './nodes.ts';
import { from, type SetUp } from './stage.ts';

/** The shortest times that there are: half a minute to reach the node, and five seconds to run. */
export const short = {
  more: { TimeoutSeconds: 30, Parameters: { commands: ['true'], executionTimeout: ['5'] } },
};

/** A report ends it. */
function reported(way: Way, status: string, state: string): SetUp {
  return async (stage) => {
    const node = await stage.node(way);
    if (status !== 'Success') node.steps = [step('aws:runShellScript', { status, code: 3 })];
    node.hold('report-end');
    const sent = await stage.send([node], { ends: [state] });
    await stage.scene.reaches(sent, node, 'running');
    return { change: from(node, 'running', state), go: async () => node.go() };
  };
}

/** The agent refuses it. */
function refused(code: string): SetUp {
  return async (stage) => {
    const node = await stage.node();
    node.verdicts.push(...Array(50).fill(code));
    return {
      change: from(node, 'offered', 'Failed'),
      go: () => stage.send([node], { ends: ['Failed'] }),
    };
  };
}

/** By name. */
export const endArrows: Readonly<Record<string, SetUp>> = {
  'running → Success, channel': reported('channel', 'Success', 'Success'),
  'running → Success, poll': reported('poll', 'Success', 'Success'),
  'running → Success, both': reported('both', 'Success', 'Success'),
  'running → Failed': reported('channel', 'Failed', 'Failed'),
  'running → ExecutionTimedOut, it says so': reported('channel', 'TimedOut', 'ExecutionTimedOut'),
  'running → Cancelled, it says so': reported('channel', 'Cancelled', 'Cancelled'),
  'offered → Failed, 51408': refused(JobStatusCode.parseError),
  'offered → Failed, 51403': refused(JobStatusCode.unexpectedDocumentType),
  'offered → Failed, 51406': refused(JobStatusCode.invalidDocument),
  'offered → Failed, FailMessage': async (stage) => {
    const node = await stage.node('poll');
    node.verdicts.push('silence');
    // Where this is lost, it is offered the command again, and runs it.
    const sent = await stage.send([node], { ends: ['Failed', 'Success'] });
    await stage.scene.reaches(sent, node, 'offered');
    const input = { MessageId: `aws.ssm.${sent.id}.${node.id}`, FailureType: 'InternalHandlerException' };
    const { calls } = stage.scene.nodes.fleet;
    return {
      change: from(node, 'offered', 'Failed'),
      go: () => calls.call(node.agent, 'EC2WindowsMessageDeliveryService.FailMessage', input),
    };
  },
  'released → DeliveryTimedOut': async (stage) => {
    const node = await stage.node('away');
    const sent = await stage.send([node], { ...short, ends: ['DeliveryTimedOut'] });
    return {
      change: from(node, 'released', 'DeliveryTimedOut'),
      go: () => stage.outlast(sent, node),
      afterwards: () => stage.outlast(sent, node),
    };
  },
  'queued → DeliveryTimedOut': async (stage) => {
    const [a, b] = [await stage.node('away'), await stage.node('away')];
    const more = { ...short.more, MaxConcurrency: '1' };
    const sent = await stage.send([a, b], { more, ends: ['DeliveryTimedOut'] });
    return {
      change: from(b, 'queued', 'DeliveryTimedOut'),
      go: () => stage.outlast(sent, b),
      afterwards: () => stage.outlast(sent, b),
    };
  },
  'offered → DeliveryTimedOut': async (stage) => {
    const node = await stage.node();
    node.verdicts.push(...Array(50).fill('silence'));
    const sent = await stage.send([node], { ...short, ends: ['DeliveryTimedOut'] });
    await stage.scene.reaches(sent, node, 'offered');
    return {
      change: from(node, 'offered', 'DeliveryTimedOut'),
      go: () => stage.outlast(sent, node),
      afterwards: () => stage.outlast(sent, node),
    };
  },
  'accepted → DeliveryTimedOut': async (stage) => {
    const node = await stage.node();
    node.hold('begin');
    const sent = await stage.send([node], { ...short, ends: ['DeliveryTimedOut'] });
    await stage.scene.reaches(sent, node, 'accepted');
    return {
      change: from(node, 'accepted', 'DeliveryTimedOut'),
      go: () => stage.outlast(sent, node),
      afterwards: () => stage.outlast(sent, node),
    };
  },
  'running → ExecutionTimedOut, its time was over': async (stage) => {
    const node = await stage.node();
    node.hold('report-step');
    const sent = await stage.send([node], { ...short, ends: ['ExecutionTimedOut'] });
    await stage.scene.reaches(sent, node, 'running');
    return {
      change: from(node, 'running', 'ExecutionTimedOut'),
      go: () => stage.outlast(sent, node),
      afterwards: () => stage.outlast(sent, node),
    };
  },
  'queued → Terminated': async (stage) => {
    const [a, b, c] = [await stage.node(), await stage.node(), await stage.node('away')];
    a.steps = [step('aws:runShellScript', { status: 'Failed', code: 1 })];
    a.hold('report-end');
    const more = { MaxConcurrency: '1', MaxErrors: '0' };
    const sent = await stage.send([a, b, c], { more, ends: ['Terminated'] });
    sent.ends.set(a.id, ['Failed']);
    await stage.scene.reaches(sent, a, 'running');
    return { change: from(c, 'queued', 'Terminated'), go: async () => a.go() };
  },
  'running → Undeliverable, the node was deregistered': async (stage) => {
    const node = await stage.node();
    node.hold('report-step');
    const sent = await stage.send([node], { ends: ['Undeliverable'] });
    await stage.scene.reaches(sent, node, 'running');
    return {
      change: from(node, 'running', 'Undeliverable'),
      ...stage.insist(() => stage.scene.deregister(node)),
    };
  },
  'Success, a step came late': async (stage) => {
    const node = await stage.node();
    node.losses.push('report');
    node.hold('report-end');
    const sent = await stage.send([node], { document: stage.scene.twoSteps });
    // Its first step's report was lost with the channel; the rest waits until it is back.
    await stage.scene.until('a channel was lost', () => node.agent.socket === undefined);
    await stage.comesBack(node);
    node.go();
    await stage.scene.reaches(sent, node, 'Success');
    return { change: from(node, 'Success', 'Success', 'steps'), go: () => stage.scene.turn(40_000) };
  },
  'ExecutionTimedOut, its end came late': async (stage) => {
    const node = await stage.node();
    node.hold('report-end');
    const sent = await stage.send([node], { ...short, ends: ['ExecutionTimedOut'] });
    await stage.scene.reaches(sent, node, 'running');
    await stage.outlast(sent, node);
    return {
      change: from(node, 'ExecutionTimedOut', 'ExecutionTimedOut', 'reason'),
      go: async () => node.go(),
    };
  },
  'alive, blind time is made good': async (stage) => {
    const node = await stage.node('away');
    const sent = await stage.send([node], { ...short, ends: ['DeliveryTimedOut'] });
    const before = Number(stage.scene.row(sent, node)?.deadline);
    await stage.scene.blackout(120_000);
    return {
      change: 'commands.blind-until',
      go: () => stage.scene.turn(12_500),
      async afterwards() {
        await stage.scene.turn(12_500);
        const moved = Number(stage.scene.row(sent, node)?.deadline) - before;
        // What the dead server's lease still covered isn't blind.
        if (moved < 90_000 || moved > 130_000) throw new Error(`two blind minutes moved it by ${moved} ms`);
      },
    };
  },
};
