/** Decides, when knocks are written, which of them belong to the known room. */
import type { ClaimFilter } from './claim-filter.ts';
import type { WaitingKnock } from './waiting-room.ts';

/** Asked of the books: is this claim in them? */
export type IsKnown = (claim: string) => boolean | Promise<boolean>;

/** Node ids, activation ids and access key ids; anything else is in nobody's books. */
const idLike =
  /^(?:mi-[0-9a-f]{17}|i-[0-9a-f]{8,17}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|A[KS]IA[A-Z0-9]{16})$/;

/** How many claims that the filter doesn't know are looked up in one flush; another server may know them. */
const lookUps = 1000;
const atOnce = 100;

/** Sets each knock's room. Rejects, having changed nothing, when the books can't be read. */
export async function sortRooms(knocks: readonly WaitingKnock[], filter: ClaimFilter, isKnown: IsKnown) {
  const known = new Set<string>();
  for (let rest = claimsToAsk(knocks, filter); rest.length > 0; rest = rest.slice(atOnce)) {
    const batch = rest.slice(0, atOnce);
    const answers = await Promise.all(batch.map((claim) => isKnown(claim)));
    for (const [index, claim] of batch.entries()) if (answers[index]) known.add(claim);
  }
  for (const claim of known) filter.learn(claim);
  for (const knock of knocks) knock.room = known.has(knock.claim) ? 'known' : 'stranger';
}

/** First all that the filter knows, then as many others as there is time for, quiet sources first. */
function claimsToAsk(knocks: readonly WaitingKnock[], filter: ClaimFilter): string[] {
  const likely = new Set<string>();
  const others = new Map<string, string>();
  const claimsOfSource = new Map<string, number>();
  for (const { claim, source } of knocks) {
    if (!idLike.test(claim)) continue;
    if (filter.maybeKnown(claim)) likely.add(claim);
    else {
      others.set(claim, source);
      claimsOfSource.set(source, (claimsOfSource.get(source) ?? 0) + 1);
    }
  }
  const quietFirst = [...others].sort(([, a], [, b]) => claimsOfSource.get(a)! - claimsOfSource.get(b)!);
  return [...likely, ...quietFirst.slice(0, lookUps).map(([claim]) => claim)];
}
