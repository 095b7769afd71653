import type { Clock } from "../core/clock.ts";

/**
 * What `work` brings, or after `ms` what `late` returns or throws. The work goes on; what it
 * brings then is dropped.
 */
export function within<T>(
  clock: Clock,
  work: Promise<T>,
  deadline: { readonly ms: number; late(): T },
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.schedule(deadline.ms, () => {
      try {
        resolve(deadline.late());
      } catch (error) {
        reject(error);
      }
    });
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
