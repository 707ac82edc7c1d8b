/** `PutNodeEvidence`: a node with our agent says what it sees of its own machine. The last word is kept. */
import type { PutNodeEvidenceInput } from '@rollcall/wire';
import { macMark, readMac, readUuid, uuidMark } from '../roster/index.ts';
import { type AnyOperation, operation } from '../service/index.ts';
import type { VerdictsDeps } from './deps.ts';
import { readNodeEvidence } from './node-evidence.ts';

const mostMarks = 32;

/** Declares it. Routine: it leaves no audit row. */
export function evidenceOperation({ store }: Pick<VerdictsDeps, 'store'>): AnyOperation {
  return operation<PutNodeEvidenceInput, object>({
    service: 'rollcall',
    name: 'PutNodeEvidence',
    access: { by: 'own-node', action: 'rollcall:PutNodeEvidence', node: (input) => input.InstanceId },
    changes: false,
    async handle(call, input) {
      const { InstanceId: node_id } = input;
      const evidence = readNodeEvidence(input.Evidence);
      const { host } = evidence;
      const uuid = readUuid(host.systemUuid ?? '');
      const macs = host.macs.flatMap((mac) => readMac(mac) ?? []);
      const marks = [...(uuid === undefined ? [] : [uuidMark(uuid)]), ...macs.map(macMark)];
      const row = { node_id, received_at: call.at, evidence: JSON.stringify(evidence) };
      await store.write(async (tx) => {
        const books = tx.in(call.region);
        await books
          .insertInto('node_evidence')
          .values(row)
          .onConflict((conflict) => conflict.columns(['region', 'node_id']).doUpdateSet(row))
          .execute();
        await books.deleteFrom('node_marks').where('node_id', '=', node_id).execute();
        const unique = [...new Set(marks)].slice(0, mostMarks);
        if (unique.length > 0) {
          await books
            .insertInto('node_marks')
            .values(unique.map((mark) => ({ mark, node_id })))
            .execute();
        }
      });
      return {};
    },
  });
}
