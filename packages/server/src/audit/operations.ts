/** `Rollcall.ListAuditRecords`: the trail, newest first. */
import { type AnyOperation, operation } from '../service/index.ts';
import type { Store } from '../store/contract.ts';
import type { AuditRow } from '../store/schema.ts';
import { readPageToken, writePageToken } from './page-token.ts';
import { auditPage } from './queries.ts';
import type { AuditRecord, ListAuditRecordsInput, ListAuditRecordsOutput } from './shapes.ts';

/** Declares the operations of the audit trail. */
export function auditOperations({ store }: { store: Store }): readonly AnyOperation[] {
  return [
    operation<ListAuditRecordsInput, ListAuditRecordsOutput>({
      service: 'rollcall',
      name: 'ListAuditRecords',
      access: { by: 'policy', action: 'rollcall:ListAuditRecords', resources: () => ['*'] },
      changes: false,
      async handle(call, input) {
        const limit = input.MaxResults ?? 50;
        const before = input.NextToken ? String(readPageToken(input.NextToken, ['string'])[0]) : undefined;
        const rows = await store.read((tx) =>
          auditPage(tx, call.region, {
            principal: input.Principal,
            operation: input.Operation,
            resource: input.Resource,
            decision: input.Decision,
            before,
            limit: limit + 1,
          }),
        );
        const page = rows.slice(0, limit);
        const last = page.at(-1);
        return {
          AuditRecords: page.map(auditRecord),
          ...(rows.length > limit && last && { NextToken: writePageToken([last.audit_id]) }),
        };
      },
    }),
  ];
}

function auditRecord(row: AuditRow): AuditRecord {
  return {
    AuditId: row.audit_id,
    Time: new Date(row.at),
    LastTime: new Date(row.last_at),
    Count: row.count,
    Region: row.region,
    Principal: row.principal,
    Operation: row.operation,
    Resource: row.resource,
    Decision: row.decision,
    SourceAddress: row.source,
    ...(row.code !== null && { Code: row.code }),
    ...(row.detail !== null && { Detail: row.detail }),
  };
}
