/** How much the door remembers. A stranger never pushes out what is known. */

const day = 86_400_000;

/** Rows whose claim is in our books. */
export const knownRows = 100_000;
/** How long they are kept, milliseconds. */
export const knownAge = 90 * day;
/** Rows one claim may have. */
export const claimsRow = 8;
/** Rows whose claim isn't in our books, or that have none. */
export const strangersRows = 10_000;
/** How long they are kept, milliseconds. */
export const strangersAge = 7 * day;
/** Rows one source may have among the strangers. */
export const sourcesRow = 32;

/** Strangers' rows that may wait for one flush: one flood of two seconds never replaces the whole room. */
export const strangersWaiting = 2500;
