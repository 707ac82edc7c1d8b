/** How the node stands in the list, and the three answers that follow. */
import type { Cause } from './causes/cause.ts';
import type { Facts } from './facts/index.ts';
import type { Answer, Confidence, Verdict } from './verdict.ts';

/** Reads it from the records; undefined when nobody asked them. */
export function standingOf({ records, row, request, agent, through }: Facts): Verdict['standing'] {
  if (!records) return undefined;
  if (row) {
    const shared = {
      ...(row.lastPing !== undefined && { lastHeartbeatAt: row.lastPing }),
      ...(row.connected && row.channelOpenedAt !== undefined && { channelOpenSince: row.channelOpenedAt }),
    };
    if (request && row.region !== request.region) return { is: 'elsewhere', region: row.region, ...shared };
    if (row.hidden) return { is: 'hidden', ...since(row.lastPing), ...shared };
    if (row.status === 'Online') return { is: 'online', ...shared };
    const lost = row.channelClosedBy === 'server' ? row.lastPing : (row.channelClosedAt ?? row.lastPing);
    return { is: 'lost', ...since(lost), ...shared };
  }
  // Whether that is it which has its address now, nobody knows.
  if (records.machine?.otherName !== undefined && !records.machine.isOther && !records.node) return undefined;
  if (records.node) return { is: 'deregistered', ...since(records.node.deregisteredAt) };
  const elsewhere = records.elsewhere?.[0];
  if (elsewhere) return { is: 'elsewhere', region: elsewhere.region };
  // The machine's own agent may say more than the books that were asked for a name.
  return agent?.status && through ? undefined : { is: 'absent' };
}

/** In the list? Can be picked? Will it work? */
export function answersOf(
  facts: Facts,
  standing: Verdict['standing'],
  cause: Cause | undefined,
  confidence: Confidence,
): Verdict['answers'] {
  const { through, channelOpen, row, request } = facts;
  if (cause?.id === 'name-ambiguous' || cause?.id === 'caller-not-authorised')
    return { listed: 'unknown', pickable: 'unknown', working: 'unknown' };
  const listed = listedAnswer(standing, through, cause);
  const picked: Answer =
    cause?.breaks === 'picked'
      ? 'no'
      : through || standing?.is === 'online'
        ? 'yes'
        : listed === 'no' || standing !== undefined
          ? 'no'
          : listed;
  const reachable = channelOpen === true || row?.polling === true;
  const breaksWork = cause?.breaks === 'working';
  const working: Answer =
    through === undefined && !cause
      ? row && channelOpen === false
        ? 'no'
        : 'unknown'
      : through === false || (standing !== undefined && standing.is !== 'online')
        ? 'no'
        : breaksWork
          ? channelOpen === false || confidence === 'proven'
            ? 'no'
            : 'unknown'
          : cause?.breaks === 'listed'
            ? through && (channelOpen !== false || row?.polling === true)
              ? 'unknown'
              : 'no'
            : reachable
              ? 'yes'
              : channelOpen === false
                ? 'no'
                : 'unknown';
  return { listed, pickable: request?.document?.mayUse === false ? 'no' : picked, working };
}

function listedAnswer(
  standing: Verdict['standing'],
  through: boolean | undefined,
  cause: Cause | undefined,
): Answer {
  if (standing) return standing.is === 'online' || standing.is === 'lost' ? 'yes' : 'no';
  if (through) return 'yes';
  // Without the books: what can't report in is in the list as lost at best, and nobody knows which.
  return cause?.id === 'agent-not-registered' || cause?.id === 'agent-not-installed' ? 'no' : 'unknown';
}

function since(time: number | undefined): { readonly since?: number } {
  return time === undefined ? {} : { since: time };
}
