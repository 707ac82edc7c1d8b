/** Waiting, but not for ever. */

/** What came of waiting. */
export type Outcome<T> =
  | { readonly late: false; readonly value: T }
  | { readonly late: false; readonly error: unknown }
  | { readonly late: true };

/** Waits for a promise at most so many milliseconds. Never throws. */
export async function withLimit<T>(promise: Promise<T>, ms: number): Promise<Outcome<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome<T>>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms), { late: true });
  });
  try {
    return await Promise.race([
      promise.then(
        (value): Outcome<T> => ({ late: false, value }),
        (error: unknown): Outcome<T> => ({ late: false, error }),
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
