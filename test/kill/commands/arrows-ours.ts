/** The same life on a node that runs our agent: a real process, whose commands count themselves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { from, type SetUp } from './stage.ts';

/** By name. */
export const ourArrows: Readonly<Record<string, SetUp>> = {
  'ours: released → offered': async (stage) => {
    const node = await stage.ours();
    return {
      change: from(node, 'released', 'offered'),
      go: () => stage.send([node], { script: node.script }),
    };
  },
  'ours: offered → accepted': async (stage) => {
    const node = await stage.ours();
    return {
      change: from(node, 'offered', ['accepted', 'running']),
      go: () => stage.send([node], { script: node.script }),
    };
  },
  'ours: accepted → running': async (stage) => {
    const node = await stage.ours();
    return {
      change: from(node, ['offered', 'accepted'], 'running'),
      go: () => stage.send([node], { script: node.script }),
    };
  },
  'ours: running → Success': async (stage) => {
    const node = await stage.ours();
    const sent = await stage.send([node], { script: node.script });
    await stage.scene.reaches(sent, node, 'running');
    return { change: from(node, 'running', 'Success'), go: async () => node.letGo(sent.comment) };
  },
  'ours: running → cancelling': async (stage) => {
    const node = await stage.ours();
    const sent = await stage.send([node], { script: node.script, ends: ['Cancelled'] });
    await stage.scene.reaches(sent, node, 'running');
    return { change: from(node, 'running', 'cancelling'), ...stage.cancels(sent, node) };
  },
  'ours: cancelling → Cancelled': async (stage) => {
    const node = await stage.ours();
    const sent = await stage.send([node], { script: node.script, ends: ['Cancelled'] });
    await stage.scene.reaches(sent, node, 'running');
    return {
      change: from(node, ['running', 'cancelling'], 'Cancelled'),
      ...stage.cancels(sent, node),
    };
  },
  'ours: a piece of output came': async (stage) => {
    const node = await stage.ours();
    const sent = await stage.send([node], {
      script: (name) => [...node.script(name), 'seq 1 60000'],
    });
    await stage.scene.reaches(sent, node, 'running');
    return {
      change: { table: 'command_outputs', node: node.id },
      go: async () => node.letGo(sent.comment),
      // Our agent hands over what it can, and reports without the rest: what is there is the beginning, whole.
      async check() {
        const whole = `done\n${Array.from({ length: 60_000 }, (_, n) => `${n + 1}\n`).join('')}`;
        const text = (await stage.output(sent, node)).replace(/--output truncated--$/, '');
        return whole.startsWith(text) && text !== ''
          ? []
          : [`its output isn't what it said: ${text.slice(-200)}`];
      },
    };
  },
  'ours: offered → accepted, the agent dies as well': async (stage) => {
    const node = await stage.ours();
    return {
      change: from(node, 'offered', ['accepted', 'running', 'Failed', 'Success']),
      async go() {
        const sending = stage.send([node], { script: node.script, ends: ['Success', 'Failed'] });
        await sleep(stage.scene.random(60));
        await Promise.allSettled([sending, stage.scene.restartOurs()]);
      },
    };
  },
  'ours: running → Failed, the agent dies as well': async (stage) => {
    const node = await stage.ours();
    const sent = await stage.send([node], { script: node.script, ends: ['Success', 'Failed'] });
    await stage.scene.reaches(sent, node, 'running');
    return {
      change: from(node, 'running', ['Failed', 'Success']),
      go: () => stage.scene.restartOurs(),
    };
  },
};
