/** `ListVerdictHistory`: what changed for a node and why, newest first. */
import type { ListVerdictHistoryInput, ListVerdictHistoryOutput } from '@rollcall/wire';
import { type SqlBool, sql } from 'kysely';
import { type AnyOperation, operation, present, readToken, writeToken } from '../service/index.ts';
import type { VerdictsDeps } from './deps.ts';

type Change = ListVerdictHistoryOutput['Changes'][number];

/** Declares it. */
export function historyOperation({ store }: Pick<VerdictsDeps, 'store'>): AnyOperation {
  return operation<ListVerdictHistoryInput, ListVerdictHistoryOutput>({
    service: 'rollcall',
    name: 'ListVerdictHistory',
    access: { by: 'policy', action: 'rollcall:ListVerdictHistory', resources: () => ['*'] },
    changes: false,
    async handle(call, input) {
      const { MaxResults: size = 50, NextToken, ...asked } = input;
      const question = ['ListVerdictHistory', call.region, asked];
      const before = readToken<readonly [number, string, string]>(question, NextToken, [0, '', '']);
      const rows = await store.read((tx) => {
        let query = tx.in(call.region).selectFrom('verdict_history').selectAll();
        if (input.Subject !== undefined) query = query.where('subject', '=', input.Subject);
        if (before) {
          const [at, subject, change] = before;
          query = query.where(
            sql<SqlBool>`(verdict_history.at, verdict_history.subject, verdict_history.change) < (CAST(${at} AS BIGINT), ${subject}, ${change})`,
          );
        }
        return query
          .orderBy('verdict_history.at', 'desc')
          .orderBy('verdict_history.subject', 'desc')
          .orderBy('verdict_history.change', 'desc')
          .limit(size + 1)
          .execute();
      });
      const last = rows[size - 1];
      return {
        Changes: rows.slice(0, size).map((row) =>
          present<Change>({
            At: new Date(row.at),
            Subject: row.subject,
            Change: row.change,
            Cause: row.cause,
            Confidence: row.confidence,
          }),
        ),
        ...(rows.length > size &&
          last && { NextToken: writeToken(question, [last.at, last.subject, last.change]) }),
      };
    },
  });
}
