/** Writes the audit row of a change, in the transaction that makes the change: both happen, or neither. */
import type { Call, Principal } from '../service/index.ts';
import type { WriteTx } from '../store/index.ts';
import { type AuditDetail, detailText } from './detail.ts';
import { sortableId } from './sortable-id.ts';

/** What a change was made to, and what is worth knowing about it. */
export interface AuditEntry {
  /** The ARN of what was changed. */
  readonly resource: string;
  /** Never a secret: values under names such as `SecretAccessKey` are left out. */
  readonly detail?: AuditDetail;
}

/** Records that `call` changed a resource. */
export async function recordAudit(tx: WriteTx, call: Call, entry: AuditEntry): Promise<void> {
  await tx
    .in(call.region)
    .insertInto('audit')
    .values({
      audit_id: sortableId(call.at),
      at: call.at,
      principal: principalName(call.principal),
      operation: call.operation,
      resource: entry.resource,
      decision: 'allow',
      code: null,
      source: call.source.address,
      detail: detailText(entry.detail),
      count: 1,
      last_at: call.at,
    })
    .execute();
}

/** What the audit trail calls a principal: its ARN, or `anonymous`. */
export function principalName(principal: Principal): string {
  return principal.kind === 'anonymous' ? 'anonymous' : principal.arn;
}
