/**
 * Small shapes of answers that every folder needs: what isn't known is absent on the wire, never null.
 */

/** Leaves out what isn't known: absent members are absent, never null. */
export function present<T extends object>(members: { [K in keyof T]: T[K] | null | undefined }): T {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  ) as T;
}

/** A time, or nothing. */
export function dateOf(at: number | null | undefined): Date | undefined {
  return at === null || at === undefined ? undefined : new Date(at);
}
