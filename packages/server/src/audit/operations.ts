/** `Rollcall.ListAuditRecords`: the trail, newest first. */
import type { AuditRecord, ListAuditRecordsInput, ListAuditRecordsOutput } from '@rollcall/wire';
import { type AnyOperation, operation, readToken, writeToken } from '../service/index.ts';
import type { AuditRow, Store } from '../store/index.ts';
import { auditPage } from './queries.ts';

/** Declares the operations of the audit trail. */
export function auditOperations({ store }: { store: Store }): readonly AnyOperation[] {
  return [
    operation<ListAuditRecordsInput, ListAuditRecordsOutput>({
      service: 'rollcall',
      name: 'ListAuditRecords',
      access: { by: 'policy', action: 'rollcall:ListAuditRecords', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const { MaxResults: limit = 50, NextToken, ...question } = input;
        const before = readToken(['ListAuditRecords', call.region, question], NextToken, [''])?.[0];
        const filter = {
          principal: input.Principal,
          operation: input.Operation,
          decision: input.Decision,
          since: input.Since?.getTime(),
        };
        const { rows, total } = await store.read((tx) =>
          auditPage(tx, call.region, filter, before, limit + 1),
        );
        const page = rows.slice(0, limit);
        const last = page.at(-1);
        return {
          Records: page.map(auditRecord),
          Total: total,
          ...(rows.length > limit &&
            last && { NextToken: writeToken(['ListAuditRecords', call.region, question], [last.audit_id]) }),
        };
      },
    }),
  ];
}

function auditRecord(row: AuditRow): AuditRecord {
  return {
    Id: row.audit_id,
    At: new Date(row.at),
    Region: row.region,
    Principal: row.principal,
    Operation: row.operation,
    Resource: row.resource,
    Decision: row.decision,
    Source: row.source,
    Count: row.count,
    LastAt: new Date(row.last_at),
    ...(row.code !== null && { Code: row.code }),
    ...(row.detail !== null && { Detail: row.detail }),
  };
}
