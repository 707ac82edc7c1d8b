/** The arrows that CancelCommand sets off. */
import { from, type SetUp } from './stage.ts';

/** By name. */
export const cancelArrows: Readonly<Record<string, SetUp>> = {
  'queued → Cancelled': async (stage) => {
    const [a, b] = [await stage.node(), await stage.node()];
    a.hold('report-step', 'cancel');
    const sent = await stage.send([a, b], { more: { MaxConcurrency: '1' }, ends: ['Cancelled'] });
    await stage.scene.reaches(sent, a, 'running');
    return { change: from(b, 'queued', 'Cancelled'), ...stage.cancels(sent, a) };
  },
  'released → Cancelled': async (stage) => {
    const node = await stage.node('away');
    const sent = await stage.send([node], { ends: ['Cancelled'] });
    return { change: from(node, 'released', 'Cancelled'), ...stage.cancels(sent, node) };
  },
  'offered → cancelling': async (stage) => {
    const node = await stage.node();
    node.verdicts.push(...Array(50).fill('silence'));
    const sent = await stage.send([node], { ends: ['Cancelled'] });
    await stage.scene.reaches(sent, node, 'offered');
    return { change: from(node, 'offered', 'cancelling'), ...stage.cancels(sent, node) };
  },
  'running → cancelling': async (stage) => {
    const node = await stage.node('poll');
    node.hold('report-step');
    const sent = await stage.send([node], { ends: ['Cancelled'] });
    await stage.scene.reaches(sent, node, 'running');
    return { change: from(node, 'running', 'cancelling'), ...stage.cancels(sent, node) };
  },
  'cancelling, the order is on offer': async (stage) => {
    const node = await stage.node();
    node.hold('report-step', 'cancel');
    const sent = await stage.send([node], { ends: ['Cancelled'] });
    await stage.scene.reaches(sent, node, 'running');
    return {
      change: from(node, 'cancelling', 'cancelling', 'attempt'),
      ...stage.cancels(sent, node),
    };
  },
  'cancelling, the agent agreed': async (stage) => {
    const node = await stage.node();
    node.outrunsCancel = true;
    node.hold('report-step', 'cancel');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'running');
    await stage.scene.cancel(sent);
    await stage.scene.reaches(sent, node, 'cancelling');
    return {
      change: from(node, 'cancelling', 'cancelling', 'cancel_acked_at'),
      go: async () => node.go('cancel'),
    };
  },
  'cancelling → Cancelled': async (stage) => {
    const node = await stage.node('both');
    node.hold('report-step', 'cancel');
    const sent = await stage.send([node], { document: stage.scene.twoSteps, ends: ['Cancelled'] });
    await stage.scene.reaches(sent, node, 'running');
    await stage.scene.cancel(sent);
    await stage.scene.reaches(sent, node, 'cancelling');
    return { change: from(node, 'cancelling', 'Cancelled'), go: async () => node.go('cancel') };
  },
  'cancelling → Success, it was quicker': async (stage) => {
    const node = await stage.node();
    node.outrunsCancel = true;
    node.hold('report-end');
    const sent = await stage.send([node]);
    await stage.scene.reaches(sent, node, 'running');
    await stage.scene.cancel(sent);
    await stage.scene.reaches(sent, node, 'cancelling');
    return { change: from(node, 'cancelling', 'Success'), go: async () => node.go() };
  },
  'cancelling → Cancelled, the node never had it': async (stage) => {
    const node = await stage.node();
    node.verdicts.push('silence');
    const sent = await stage.send([node], { ends: ['Cancelled'] });
    await stage.scene.reaches(sent, node, 'offered');
    await stage.scene.cancel(sent);
    await stage.scene.until('the agent agrees', () => stage.scene.row(sent, node)?.cancel_acked_at);
    return {
      change: from(node, 'cancelling', 'Cancelled'),
      go: () => stage.outlast(sent, node),
    };
  },
};
