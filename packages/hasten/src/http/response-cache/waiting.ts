/** Requests that wait for another's handler, and what becomes of them when it lands. */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Exchange, mayReplaceError } from "./exchange.ts";
import { runFill } from "./fill.ts";
import type { Landing } from "./flights.ts";
import { COLLAPSED, STALE_IF_ERROR } from "./hit.ts";
import { send } from "./lookup.ts";
import { isAnswered } from "./served.ts";
import { matches } from "./variants.ts";

type InContext = (run: () => void) => void;

interface Waiting {
  readonly exchange: Exchange;
  /** Looks again. */
  readonly again: () => void;
  readonly inContext: InContext;
}

/** Joins the flight; false if it takes nobody more. */
export function wait(exchange: Exchange, flown: string, again: () => void): boolean {
  // Landings run in the leader's context; what follows belongs to this request's own.
  const inContext: InContext = AsyncLocalStorage.snapshot();
  const waiting: Waiting = { exchange, again, inContext };
  const land = (landing: Landing): void => inContext(() => landSafely(waiting, landing));
  return exchange.engine.flights.join(flown, land);
}

/** What fails for one of those who wait is that one's error, not the others'. */
function landSafely(waiting: Waiting, landing: Landing): void {
  try {
    afterWait(waiting, landing);
  } catch (error) {
    waiting.exchange.next(error);
  }
}

function afterWait({ exchange, again }: Waiting, landing: Landing): void {
  const { engine, req, res, facts, stale } = exchange;
  if (isAnswered(res)) return;
  if (landing.kind === "stored" && matches(landing.stored, req)) {
    engine.counters.collapsed += 1;
    send(engine, { incoming: exchange, facts }, landing.stored, COLLAPSED);
    return;
  }
  // Dropped meanwhile, or another variant: by now the entry tells which.
  if (landing.kind === "voided" || landing.kind === "stored") {
    again();
    return;
  }
  if (landing.kind === "failed" && stale !== undefined && mayReplaceError(engine, stale)) {
    engine.counters.staleHits += 1;
    send(engine, { incoming: exchange, facts }, stale, STALE_IF_ERROR);
    return;
  }
  runInTurn(exchange);
}

/** Runs the handler for this request alone, with few others of its key at once. */
export function runInTurn(exchange: Exchange): void {
  const inContext: InContext = AsyncLocalStorage.snapshot();
  exchange.engine.flights.release(exchange.key, (ended) => {
    inContext(() => runReleased(exchange, ended));
  });
}

function runReleased(exchange: Exchange, ended: () => void): void {
  if (isAnswered(exchange.res)) {
    ended();
    return;
  }
  exchange.res.once("close", ended);
  runFill(exchange, { flight: undefined, store: true });
}
