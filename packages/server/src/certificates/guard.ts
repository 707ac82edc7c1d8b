/** Stops a start that would cut nodes off, because they trust another CA than the one about to serve. */

/** What the books say about who trusts what. */
export interface GuardQuestion {
  /** Fingerprint (SHA-256, hex) of the CA that is about to serve. */
  readonly caFingerprintNow: string;
  /** For each CA fingerprint, how many nodes got through under it last. */
  readonly trustCounts: ReadonlyMap<string, number>;
  /** CAs that stay trusted beside the new one, e.g. because nodes were handed a bundle. */
  readonly alsoTrusted?: readonly string[];
  /** How many nodes the operator agreed to cut off (`--cut-off-nodes N`). */
  readonly cutOffNodes?: number;
}

/** Whether the start may go on, and if not, the text that says why and what to do. */
export type GuardAnswer =
  | { readonly ok: true; readonly cutOff: number }
  | { readonly ok: false; readonly cutOff: number; readonly text: string };

/** Counts the nodes that would be cut off, and refuses unless there are none or the operator agreed to them. */
export function checkGuard(question: GuardQuestion): GuardAnswer {
  const trusted = new Set([question.caFingerprintNow, ...(question.alsoTrusted ?? [])]);
  let cutOff = 0;
  for (const [fingerprint, count] of question.trustCounts) if (!trusted.has(fingerprint)) cutOff += count;
  if (cutOff === 0 || cutOff <= (question.cutOffNodes ?? 0)) return { ok: true, cutOff };
  const [nodes, they] = cutOff === 1 ? ['1 node', 'it knows'] : [`${count(cutOff)} nodes`, 'they know'];
  return {
    ok: false,
    cutOff,
    text: [
      `Not started: ${nodes} would be cut off, because ${they} another CA than the one that would serve (${question.caFingerprintNow.slice(0, 16)}…).`,
      'Start with the certificate as it was, and let the nodes learn the new CA first (--successor-ca).',
      `To go on all the same and enrol again by hand: --cut-off-nodes ${cutOff}`,
    ].join('\n'),
  };
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
