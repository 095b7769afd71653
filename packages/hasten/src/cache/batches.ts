import { currentTrace, inTrace, type Trace } from "../core/trace/index.ts";
import type { Answer } from "./answers.ts";
import { batchMismatch } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";
import { openTrace, settled } from "./tracking.ts";
import type { LoadContext, LoadOptions } from "./types.ts";

type AnyBatch = (
  keys: readonly string[],
  context: { readonly signal: AbortSignal },
) => readonly unknown[] | Promise<readonly unknown[]>;

interface Ask {
  readonly key: string;
  readonly context: LoadContext<never>;
  /** That of its flight, where loads are watched. */
  readonly trace: Trace | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Answers many keys with one batch load. Each key is asked for as by itself, so that it may be a
 * hit, join a running load or be stale; those whose load is started are gathered and loaded
 * together, in this turn of the event loop, after all their fills were opened. Loads that start
 * later (a failed one was handed over, an invalidated one asked again) are gathered per turn.
 * What the batch reads, each of its values depends on.
 */
export function answerMany(
  answer: Answer,
  keys: readonly string[],
  {
    load,
    call,
    options,
  }: {
    readonly load: AnyBatch;
    readonly call: LoadOptions<never>;
    readonly options: ResolvedOptions;
  },
): Promise<unknown[]> {
  let asks: Ask[] = [];
  let first = true;
  /** Keys whose load may still start by itself: the batch waits for them. */
  let undecided = keys.length;
  const send = (): void => {
    const batch = asks;
    asks = [];
    if (batch.length > 0) void run(load, batch, options);
  };
  const ask = (context: LoadContext<never>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const trace = options.tracked ? currentTrace() : undefined;
      asks.push({ key: context.key, context, trace, resolve, reject });
      if (!first && asks.length === 1 && undecided === 0) queueMicrotask(send);
    });
  const answers = keys.map((key) => {
    let decided = false;
    const decide = (): void => {
      if (decided) return;
      decided = true;
      undecided -= 1;
      if (!first && undecided === 0) queueMicrotask(send);
    };
    const value = answer(
      key,
      (context) => {
        const asked = ask(context);
        decide();
        return asked;
      },
      call,
      { absent: false, onDelay: decide },
    );
    if (value instanceof Promise) value.then(decide, decide);
    else decide();
    return value;
  });
  first = false;
  if (undecided === 0) send();
  return Promise.all(answers);
}

async function run(load: AnyBatch, batch: readonly Ask[], options: ResolvedOptions): Promise<void> {
  const trace = openTrace(options);
  const ask = (): unknown => {
    const context = batch[0]!.context;
    const keys = batch.map((one) => one.key);
    return load(keys, {
      get signal() {
        return context.signal;
      },
    });
  };
  try {
    const values = await (trace === undefined ? ask() : inTrace(trace, async () => ask()));
    await passOn(trace, batch, options);
    const length: unknown = Array.isArray(values) ? values.length : typeof values;
    if (length !== batch.length) throw batchMismatch(batch.length, length);
    batch.forEach((one, index) => {
      one.resolve((values as readonly unknown[])[index]);
    });
  } catch (error) {
    await passOn(trace, batch, options);
    for (const one of batch) one.reject(error);
  }
}

/** Once, before the first of them is answered. */
async function passOn(
  trace: Trace | undefined,
  batch: readonly Ask[],
  { clock }: ResolvedOptions,
): Promise<void> {
  if (trace === undefined) return;
  await settled(trace, clock);
  const dependency = trace.dependency();
  for (const one of batch) one.trace?.include(dependency);
}
