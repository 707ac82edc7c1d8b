/** How long our certificates live, and how often they are looked at; milliseconds. */

const day = 86_400_000;

export const life = {
  /** Clocks of machines that were just switched on are often behind; ours may be ahead. */
  backdated: 7 * day,
  /** Macs refuse server certificates that live longer than 398 days; this one renews itself long before. */
  server: 90 * day,
  authority: 3653 * day,
} as const;

/** How often names, files and validity are looked at while the server runs. */
export const checkEvery = 60_000;
