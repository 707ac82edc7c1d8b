/** How much the door remembers. A stranger never pushes out what is known. */

/** Rows whose claim is in our books. */
export const knownRows = 100_000;
/** Rows one claim may have. */
export const claimsRow = 8;
/** Rows whose claim isn't in our books, or that have none. */
export const strangersRows = 10_000;
/** For how many days each room keeps its rows, unless told otherwise. */
export const usualDays = { known: 90, stranger: 7 } as const;
/** Rows one source may have among the strangers. */
export const sourcesRow = 32;

/** Strangers' rows that may wait for one flush: one flood of two seconds never replaces the whole room. */
export const strangersWaiting = 2500;
