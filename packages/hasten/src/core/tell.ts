/**
 * Calls a listener of the program. What it throws becomes an uncaught exception, as with a
 * subscriber of `node:diagnostics_channel`: it must not turn work that was done into work that failed.
 */
export function tell<Event>(listener: ((event: Event) => unknown) | undefined, event: Event): void {
  try {
    listener?.(event);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
