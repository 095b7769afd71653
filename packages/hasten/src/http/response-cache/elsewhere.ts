/**
 * What other processes have, asked before a handler runs.
 *
 * Invariants:
 * - Where the cache shares with other processes, a handler runs only if none of them has an answer
 *   and, as far as the shared tier tells, none is making one.
 * - Others are waited for as long as handlers of this process are, `coalesceWaitMs`. Whatever fails
 *   or is silent, the handler runs.
 * - What was opened for a fill is handed over, or released here.
 */
import type { EntryView } from "../../cache/index.ts";
import type { Engine } from "./engine.ts";
import { type OpenedFill, openFill } from "./fill.ts";
import type { ExtendedRequest } from "./reads.ts";
import type { EntryKey } from "./request-key.ts";
import type { VariantSet } from "./variants.ts";

export interface Search {
  readonly key: EntryKey;
  readonly req: ExtendedRequest;
  /** Whether to wait for handlers elsewhere, and to let others wait for the one to come. */
  readonly collapse: boolean;
  /** Takes what was found, fresh or stale; true if nothing more is wanted. */
  readonly take: (entry: EntryView<VariantSet>) => boolean;
}

export type SearchEnd =
  | { readonly kind: "taken" }
  /** With a fill opened where other processes wait for it. */
  | { readonly kind: "none"; readonly opened: OpenedFill | undefined };

const TAKEN: SearchEnd = { kind: "taken" };
const NONE: SearchEnd = { kind: "none", opened: undefined };

/** Undefined, at once, where there is nobody to ask. Never rejects unless `take` throws. */
export function searchElsewhere(engine: Engine, search: Search): Promise<SearchEnd> | undefined {
  const asking = engine.cache.promote(search.key);
  return asking === undefined ? undefined : continued(engine, search, asking);
}

async function continued(
  engine: Engine,
  search: Search,
  asking: Promise<EntryView<VariantSet> | undefined>,
): Promise<SearchEnd> {
  const { clock, coalesceWaitMs } = engine.options;
  const untilMs = clock.nowMs() + coalesceWaitMs;
  let found = await asking;
  for (;;) {
    if (found !== undefined && search.take(found)) return TAKEN;
    if (!search.collapse || coalesceWaitMs === 0) return NONE;
    const opened = openFill(engine, search, true);
    const held = await engine.cache.hold<VariantSet>(opened.token);
    if (held === undefined || held.kind === "mine" || held.kind === "unavailable")
      return { kind: "none", opened };
    opened.release();
    if (held.kind === "found") return search.take(held.entry) ? TAKEN : NONE;
    if (!(await endsBy(engine, held.over, untilMs))) {
      held.leave();
      return NONE;
    }
    found = await engine.cache.promote(search.key);
  }
}

/** Whether it resolved in time. */
async function endsBy({ options }: Engine, over: Promise<void>, untilMs: number): Promise<boolean> {
  const { clock } = options;
  const late = Promise.withResolvers<boolean>();
  const timer = clock.schedule(Math.max(0, untilMs - clock.nowMs()), () => late.resolve(false));
  const ended = await Promise.race([over.then(() => true), late.promise]);
  timer.cancel();
  return ended;
}
