let waiting = 0;
let hold: NodeJS.Timeout | undefined;

const DAY_MS = 86_400_000;

/**
 * Keeps the process alive while somebody awaits `work`: the connections that do it keep none, so
 * that a program that has nothing else to do can end.
 */
export async function held<T>(work: Promise<T>): Promise<T> {
  waiting += 1;
  hold ??= setInterval(() => undefined, DAY_MS);
  try {
    return await work;
  } finally {
    waiting -= 1;
    if (waiting === 0) {
      clearInterval(hold);
      hold = undefined;
    }
  }
}
