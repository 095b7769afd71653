/**
 * Bounds what logging in can cost. Invariants:
 * - at most `runningMax` password checks run at once and `waitingMax` wait; more are turned away;
 * - after `failuresMax` failures within `windowMs` a subject is refused without any hashing;
 * - at most `subjectsMax` subjects are remembered; at the limit the oldest is forgotten.
 */
export interface LoginAttempts {
  run<T>(subject: string, check: () => Promise<T | undefined>): Promise<Attempt<T>>;
}

export type Attempt<T> =
  | { readonly kind: "accepted"; readonly value: T }
  | { readonly kind: "rejected" }
  | { readonly kind: "refused"; readonly retryAfterMs: number }
  | { readonly kind: "busy"; readonly retryAfterMs: number };

export interface LoginAttemptsOptions {
  /** @default 2 */
  readonly runningMax?: number;
  /** @default 64 */
  readonly waitingMax?: number;
  /** @default 10 */
  readonly failuresMax?: number;
  /** @default 300_000 */
  readonly windowMs?: number;
  /** @default 10_000 */
  readonly subjectsMax?: number;
  readonly nowMs?: () => number;
}

const BUSY_RETRY_AFTER_MS = 1_000;

interface Failures {
  count: number;
  readonly untilMs: number;
}

export function createLoginAttempts(options: LoginAttemptsOptions = {}): LoginAttempts {
  const { runningMax = 2, waitingMax = 64, failuresMax = 10 } = options;
  const { windowMs = 300_000, subjectsMax = 10_000, nowMs = Date.now } = options;
  const failures = new Map<string, Failures>();
  const waiting: (() => void)[] = [];
  let running = 0;

  const enter = async (): Promise<void> => {
    if (running < runningMax) running++;
    else await new Promise<void>((go) => waiting.push(go));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };
  const recent = (subject: string): Failures | undefined => {
    const found = failures.get(subject);
    if (found === undefined || found.untilMs > nowMs()) return found;
    failures.delete(subject);
    return undefined;
  };
  const failed = (subject: string): void => {
    const found = recent(subject);
    if (found !== undefined) {
      found.count++;
      return;
    }
    if (failures.size >= subjectsMax) failures.delete(failures.keys().next().value!);
    failures.set(subject, { count: 1, untilMs: nowMs() + windowMs });
  };

  return {
    async run(subject, check) {
      const blocked = recent(subject);
      if (blocked !== undefined && blocked.count >= failuresMax) {
        return { kind: "refused", retryAfterMs: blocked.untilMs - nowMs() };
      }
      if (running >= runningMax && waiting.length >= waitingMax) {
        return { kind: "busy", retryAfterMs: BUSY_RETRY_AFTER_MS };
      }
      await enter();
      try {
        const value = await check();
        if (value !== undefined) {
          failures.delete(subject);
          return { kind: "accepted", value };
        }
        failed(subject);
        return { kind: "rejected" };
      } finally {
        leave();
      }
    },
  };
}
