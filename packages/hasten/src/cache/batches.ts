import type { Answer } from "./answers.ts";
import { batchMismatch } from "./errors.ts";
import type { LoadContext, LoadOptions } from "./types.ts";

type AnyBatch = (
  keys: readonly string[],
  context: { readonly signal: AbortSignal },
) => readonly unknown[] | Promise<readonly unknown[]>;

interface Ask {
  readonly key: string;
  readonly context: LoadContext<never>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Answers many keys with one batch load. Each key is asked for as by itself, so that it may be a
 * hit, join a running load or be stale; those whose load is started are gathered and loaded
 * together, in this turn of the event loop, after all their fills were opened. Loads that start
 * later (a failed one was handed over, an invalidated one asked again) are gathered per turn.
 */
export function answerMany(
  answer: Answer,
  keys: readonly string[],
  { load, call }: { readonly load: AnyBatch; readonly call: LoadOptions<never> },
): Promise<unknown[]> {
  let asks: Ask[] = [];
  let first = true;
  const send = (): void => {
    const batch = asks;
    asks = [];
    if (batch.length > 0) void run(load, batch);
  };
  const ask = (context: LoadContext<never>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      asks.push({ key: context.key, context, resolve, reject });
      if (!first && asks.length === 1) queueMicrotask(send);
    });
  const answers = keys.map((key) => answer(key, ask, call, false));
  first = false;
  send();
  return Promise.all(answers);
}

async function run(load: AnyBatch, batch: readonly Ask[]): Promise<void> {
  try {
    const context = batch[0]!.context;
    const values = await load(
      batch.map((one) => one.key),
      {
        get signal() {
          return context.signal;
        },
      },
    );
    const length: unknown = Array.isArray(values) ? values.length : typeof values;
    if (length !== batch.length) throw batchMismatch(batch.length, length);
    batch.forEach((one, index) => {
      one.resolve(values[index]);
    });
  } catch (error) {
    for (const one of batch) one.reject(error);
  }
}
