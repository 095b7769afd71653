/** When a dead worker is replaced: soon, then later and later, and not for ever. Pure. */
export type Restart =
  | { readonly kind: "restart"; readonly delayMs: number }
  | { readonly kind: "give up" };

export const DEATHS_MAX = 10;
export const DEATHS_WINDOW_MS = 60_000;
const DELAY_FIRST_MS = 100;
const DELAY_MAX_MS = 5_000;

/** `deathsMs` are the times of all deaths, the latest included. */
export function restartAfter(deathsMs: readonly number[], nowMs: number): Restart {
  const recent = deathsMs.filter((at) => nowMs - at < DEATHS_WINDOW_MS).length;
  if (recent > DEATHS_MAX) return { kind: "give up" };
  return { kind: "restart", delayMs: Math.min(DELAY_FIRST_MS * 2 ** (recent - 1), DELAY_MAX_MS) };
}
