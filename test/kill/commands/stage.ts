/** One arrow of an invocation's life, set up so that the next thing that happens is that arrow. */
import type { RowChange } from '../watch-rows.ts';
import type { Sent } from './ledger.ts';
import type { OfficialNode, Way } from './nodes.ts';
import type { OurNode } from './our-node.ts';
import type { Order, Scene } from './scene.ts';

/** What is ready to happen. */
export interface Arrow {
  /** What the server does then: to a row, or with this text among the values that it writes. */
  readonly change: RowChange | string;
  /** Lets it happen; what comes of it may be cut off by the death of the server. */
  go(): Promise<unknown>;
  /** What whoever was cut off does when the server is back. */
  afterwards?(): Promise<unknown>;
  /** What is wrong once everything has come to rest, one sentence each. */
  check?(): Promise<readonly string[]>;
}

/** Sets one up. */
export type SetUp = (stage: Stage) => Promise<Arrow>;

/** Where an arrow is set up: the world, with what belongs to this arrow only. */
export class Stage {
  readonly scene: Scene;
  readonly nodes: OfficialNode[] = [];
  readonly sent: Sent[] = [];

  constructor(scene: Scene) {
    this.scene = scene;
  }

  async node(way?: Way | 'away'): Promise<OfficialNode> {
    const node = await this.scene.node(way);
    this.nodes.push(node);
    return node;
  }

  ours(): Promise<OurNode> {
    return this.scene.ours();
  }

  /** Sends a command, and expects an answer. */
  async send(nodes: readonly { readonly id: string }[], order?: Order): Promise<Sent> {
    const sent = this.scene.send(nodes, order);
    this.sent.push(this.scene.sent.at(-1)!);
    return sent;
  }

  /** Resolves when a node whose channel was cut has another. */
  async comesBack(node: OfficialNode): Promise<void> {
    await this.scene.until(`${node.id} has a channel again`, async () => {
      if (node.agent.socket === undefined) await this.scene.turn(1_000);
      return node.agent.socket !== undefined;
    });
  }

  /** An operator cancels, tries again when that wasn't answered, and waits for the end; nobody else goes on before. */
  cancels(sent: Sent, node: OfficialNode | OurNode): Pick<Arrow, 'go' | 'afterwards'> {
    const { go } = this.insist(() => this.scene.cancel(sent));
    return {
      go,
      afterwards: async () => {
        await go();
        if ('agent' in node) node.go('cancel');
        await this.outlast(sent, node);
      },
    };
  }

  /** Something that an operator tries again when it wasn't answered. */
  insist(call: () => Promise<unknown>): Pick<Arrow, 'go' | 'afterwards'> {
    let done = false;
    const attempt = async () => {
      if (done) return;
      await call();
      done = true;
    };
    return { go: attempt, afterwards: attempt };
  }

  /** Turns the clocks on until an invocation is over. */
  async outlast(sent: Sent, node: { readonly id: string }, most = 600_000): Promise<void> {
    for (let left = most; left > 0 && this.scene.row(sent, node)?.ended_at === null; left -= 10_000) {
      await this.scene.turn(10_000);
    }
  }

  /** What is kept of what a command said. */
  async output(sent: Sent, node: { readonly id: string }): Promise<string> {
    let text = '';
    for (let Offset: number | undefined = 0; Offset !== undefined; ) {
      const page: { Data: string; NextOffset?: number } = await this.scene.admin.ask(
        'rollcall:GetCommandOutput',
        { CommandId: sent.id, InstanceId: node.id, Stream: 'stdout', Offset },
      );
      text += Buffer.from(page.Data, 'base64').toString();
      Offset = page.NextOffset;
    }
    return text;
  }

  /** Everything that waits goes on, some of it with bad luck. */
  letGo(): void {
    for (const node of this.nodes) {
      node.unlucky = this.scene.random(3) === 0;
      node.go();
    }
    const ours = this.scene.startedOurs();
    for (const { comment } of this.sent) ours?.letGo(comment);
  }
}

/** What happens to an invocation on a node. */
export function from(
  node: { readonly id: string },
  before: string | readonly string[],
  after: string | readonly string[],
  ...changing: readonly string[]
): RowChange {
  return {
    table: 'invocations',
    node: node.id,
    from: [before].flat(),
    to: [after].flat(),
    ...(changing.length > 0 ? { changing } : {}),
  };
}
