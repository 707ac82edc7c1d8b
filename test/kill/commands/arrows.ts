/**
 * The life of an invocation, arrow by arrow: how each is set up, so that the server can be killed at its commit,
 * and how the commands have to end nevertheless.
 */
import { JobStatusCode } from '@rollcall/wire';
import { cancelArrows } from './arrows-cancel.ts';
import { endArrows, short } from './arrows-end.ts';
import { ourArrows } from './arrows-ours.ts';
import { outputArrows } from './arrows-output.ts';
import { step, type Way } from './nodes.ts';
import { from, type SetUp, type Stage } from './stage.ts';

const one = { more: { MaxConcurrency: '1' } };

/** Sent; some wait for room. */
const sendArrows: Record<string, SetUp> = {
  'sent, released': async (stage) => {
    const node = await stage.node();
    return { change: from(node, [], 'released'), go: () => stage.send([node]) };
  },
  'sent, queued': async (stage) => {
    const [a, b] = [await stage.node(), await stage.node('poll')];
    return { change: from(b, [], 'queued'), go: () => stage.send([a, b], one) };
  },
  'sent, InvalidPlatform': async (stage) => {
    const [linux, windows] = [await stage.node(), await stage.node('away')];
    await stage.scene.nodes.fleet.calls.call(windows.agent, 'AmazonSSM.UpdateInstanceInformation', {
      AgentName: 'amazon-ssm-agent',
      AgentVersion: '3.3.0.0',
      InstanceId: windows.id,
      PlatformType: 'Windows',
    });
    const Targets = [{ Key: 'InstanceIds', Values: [linux.id, windows.id] }];
    return {
      change: from(windows, [], 'InvalidPlatform'),
      go: () =>
        stage.send([linux, windows], {
          more: { InstanceIds: undefined, Targets },
          ends: ['Success', 'InvalidPlatform'],
        }),
    };
  },
  'queued → released, the one before replied': async (stage) => {
    const [a, b] = [await stage.node(), await stage.node('both')];
    a.hold('report-end');
    const sent = await stage.send([a, b], one);
    await stage.scene.reaches(sent, a, 'running');
    return { change: from(b, 'queued', 'released'), go: async () => a.go() };
  },
  'queued → released, the one before was cancelled': async (stage) => {
    const [a, b] = [await stage.node('away'), await stage.node()];
    const sent = await stage.send([a, b], one);
    sent.ends.set(a.id, ['Cancelled']);
    return {
      change: from(b, 'queued', 'released'),
      ...stage.insist(() => stage.scene.cancel(sent, [a])),
    };
  },
  'queued → released, the one before expired': async (stage) => {
    const [a, b] = [await stage.node(), await stage.node()];
    a.verdicts.push('silence');
    const sent = await stage.send([a, b], one);
    sent.ends.set(a.id, ['Cancelled']);
    await stage.scene.reaches(sent, a, 'offered');
    await stage.scene.cancel(sent, [a]);
    await stage.scene.until('the agent agrees', () => stage.scene.row(sent, a)?.cancel_acked_at);
    return { change: from(b, 'queued', 'released'), go: () => stage.outlast(sent, a) };
  },
  'queued → released, the node before was deregistered': async (stage) => {
    const [a, b] = [await stage.node('away'), await stage.node()];
    const sent = await stage.send([a, b], one);
    sent.ends.set(a.id, ['Undeliverable']);
    return { change: from(b, 'queued', 'released'), ...stage.insist(() => stage.scene.deregister(a)) };
  },
};

/** On offer, once and again. */
const offerArrows: Record<string, SetUp> = {
  ...Object.fromEntries(
    (['channel', 'poll', 'both'] satisfies Way[]).map((way): [string, SetUp] => [
      `released → offered, ${way}`,
      async (stage) => {
        const node = await stage.node(way);
        return { change: from(node, 'released', 'offered'), go: () => stage.send([node]) };
      },
    ]),
  ),
  'released → offered, to one that was away': async (stage) => {
    const node = await stage.node('away');
    await stage.send([node]);
    return {
      change: from(node, 'released', 'offered'),
      ...stage.insist(() => stage.scene.nodes.come(node)),
    };
  },
  'offered → offered, on a new channel': async (stage) => {
    const node = await stage.node();
    node.verdicts.push('silence');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'offered');
    return {
      change: from(node, 'offered', 'offered', 'attempt'),
      async go() {
        node.cut();
        await stage.scene.turn(5_000);
      },
    };
  },
  'offered → offered, its lease was over': async (stage) => {
    const node = await stage.node();
    node.verdicts.push('silence');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'offered');
    return { change: from(node, 'offered', 'offered', 'attempt'), go: () => stage.scene.turn(25_000) };
  },
  'offered → offered, its lease was over, poll': async (stage) => {
    const node = await stage.node('poll');
    node.verdicts.push('silence');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'offered');
    return { change: from(node, 'offered', 'offered', 'attempt'), go: () => stage.scene.turn(40_000) };
  },
  'offered → offered, by polling after the channel': async (stage) => {
    const node = await stage.node('both');
    node.verdicts.push('silence');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'offered');
    return {
      change: from(node, 'offered', 'offered', 'attempt'),
      async go() {
        // It comes back by polling, as one does that may open no channel any more.
        node.agent.messages = 'poll';
        node.agent.connecting = true;
        node.cut();
        await stage.scene.turn(60_000);
      },
    };
  },
  'offered → released, it is full': async (stage) => {
    const node = await stage.node();
    node.hold('report-step');
    const ten = await Promise.all(Array.from({ length: 10 }, () => stage.send([node])));
    for (const sent of ten) await stage.scene.reaches(sent, node, 'running');
    return { change: from(node, 'offered', 'released'), go: () => stage.send([node]) };
  },
  'offered → released, it is stopping': async (stage) => {
    const node = await stage.node();
    node.verdicts.push(JobStatusCode.closedProcessor);
    return { change: from(node, 'offered', 'released'), go: () => stage.send([node]) };
  },
  'released → offered, it was full': async (stage) => {
    const node = await stage.node();
    node.verdicts.push(JobStatusCode.bufferFull);
    const sent = await stage.send([node]);
    await stage.scene.until('it is full', () => stage.scene.row(sent, node)?.not_before);
    return { change: from(node, 'released', 'offered'), go: () => stage.scene.turn(20_000) };
  },
};

/** The agent ran it, nobody heard of that, and it doesn't remember: were it offered again, it would run again. */
const forgottenArrows: Record<string, SetUp> = {
  'offered → Success, longer ago than the agent remembers': async (stage) => {
    const { node, comeBack } = await runsUnheard(stage, 35 * 60_000);
    return { change: from(node, 'offered', ['running', 'Success']), go: comeBack, afterwards: comeBack };
  },
  'released → Success, longer ago than the agent remembers': async (stage) => {
    const { node, sent, comeBack } = await runsUnheard(stage, 20 * 60_000);
    // It is back for a moment, but about to stop.
    node.verdicts.push(JobStatusCode.closedProcessor);
    node.agent.connecting = false;
    await stage.comesBack(node);
    node.agent.connecting = true;
    await stage.scene.reaches(sent, node, 'released');
    node.cut();
    await stage.scene.turn(20 * 60_000);
    return { change: from(node, 'released', ['running', 'Success']), go: comeBack, afterwards: comeBack };
  },
};

/** A node takes a command, loses its channel before it can say so, and stays away for a while. */
async function runsUnheard(stage: Stage, away: number) {
  const node = await stage.node();
  node.losses.push('acknowledgement');
  node.agent.connecting = true;
  const sent = await stage.send([node]);
  await stage.scene.until('it ran', () => stage.scene.nodes.jobs.runs(`aws.ssm.${sent.id}.${node.id}`));
  await stage.scene.turn(away);
  const comeBack = async () => {
    node.agent.connecting = false;
    await stage.scene.turn(60_000);
  };
  return { node, sent, comeBack };
}

/** Taken, and under way. */
const workArrows: Record<string, SetUp> = {
  'offered → accepted, 200': async (stage) => {
    const node = await stage.node();
    node.hold('begin');
    return { change: from(node, 'offered', 'accepted'), go: () => stage.send([node]) };
  },
  'offered → accepted, 51405': async (stage) => {
    const node = await stage.node();
    node.losses.push('acknowledgement');
    node.hold('report-step');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'offered');
    await stage.scene.until('it runs', () => stage.scene.nodes.jobs.runs(`aws.ssm.${sent.id}.${node.id}`));
    return { change: from(node, 'offered', 'accepted'), go: () => stage.scene.turn(10_000) };
  },
  'offered → accepted, AcknowledgeMessage': async (stage) => {
    const node = await stage.node('poll');
    node.losses.push('report');
    node.hold('report-step');
    return { change: from(node, 'offered', 'accepted'), go: () => stage.send([node]) };
  },
  'offered → accepted, DeleteMessage': async (stage) => {
    const node = await stage.node('poll');
    node.verdicts.push('silence');
    // What was taken and never reported is given up; where this is lost, it is offered again, and runs.
    const sent = await stage.send([node], { ...short, ends: ['DeliveryTimedOut', 'Success'] });
    await stage.scene.reaches(sent, node, 'offered');
    const MessageId = `aws.ssm.${sent.id}.${node.id}`;
    const { calls } = stage.scene.nodes.fleet;
    return {
      change: from(node, 'offered', 'accepted'),
      go: () => calls.call(node.agent, 'EC2WindowsMessageDeliveryService.DeleteMessage', { MessageId }),
    };
  },
  'offered → running, the report overtook the acknowledgement': async (stage) => {
    const node = await stage.node();
    node.reportsFirst = true;
    node.hold('acknowledge');
    return { change: from(node, 'offered', 'running'), go: () => stage.send([node]) };
  },
  'offered → running, by polling': async (stage) => {
    const node = await stage.node('poll');
    node.hold('acknowledge');
    return { change: from(node, 'offered', 'running'), go: () => stage.send([node]) };
  },
  'accepted → running': async (stage) => {
    const node = await stage.node();
    node.hold('begin', 'report-step');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'accepted');
    return { change: from(node, 'accepted', 'running'), go: async () => node.go('begin') };
  },
  'running, a step came': async (stage) => {
    const node = await stage.node();
    node.hold('report-step', 'report-end');
    const sent = await stage.send([node], { document: stage.scene.twoSteps });
    await stage.scene.reaches(sent, node, 'running');
    return {
      change: from(node, 'running', 'running', 'steps'),
      go: async () => node.go('report-step'),
    };
  },
  'running, the machine starts again': async (stage) => {
    const node = await stage.node();
    node.steps = [step('aws:runShellScript', { reboots: true })];
    node.hold('report-step', 'report-end');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'running');
    return {
      change: from(node, 'running', 'running', 'steps'),
      go: async () => node.go('report-step'),
    };
  },
};

/** Every arrow, by name. */
export const arrows: Readonly<Record<string, SetUp>> = {
  ...sendArrows,
  ...offerArrows,
  ...workArrows,
  ...forgottenArrows,
  ...endArrows,
  ...cancelArrows,
  ...outputArrows,
  ...ourArrows,
};

/**
 * Those that take their time to be set up, in which others would go on: they are not set up beside others. One of
 * ours at a time: it is one process.
 */
export function keepsCompany(name: string): boolean {
  return !/came late|longer ago|blind time|^ours|its time was over|DeliveryTimedOut/.test(name);
}
