/** Asks a connection, once it is open, what the meaning of texts on it hangs on. */
import { CAUSES } from "./causes.ts";
import { FACTS_SQL, factsOf, mayAskSystem } from "./facts.ts";
import { SYSTEM_SQL } from "./identity.ts";
import { Pristine, RESET_SQL } from "./pooled.ts";
import type { SessionState } from "./session-state.ts";
import type { DriverClient } from "./shapes.ts";
import type { Watching } from "./watching.ts";

type Row = Readonly<Record<string, unknown>>;

/** Tells before the driver sends what is next in its queue. Never rejects. */
export type Ask = (text: string, tell: (row: Row | undefined) => void) => Promise<void>;

export interface Learning {
  readonly state: SessionState;
  readonly watching: Watching;
  /** It was open, and may have been used, before it was watched. */
  readonly asFound: boolean;
  /** Of the process that signed in: a pooler has numbers of its own. */
  readonly signedIn: number | null | undefined;
}

export async function learnFacts(
  ask: Ask,
  { state, watching, asFound, signedIn }: Learning,
): Promise<void> {
  let copies = false;
  let pooled = state.pooler.found;
  // A connection that leads to a pooler does so for good: what may be old is what is behind it.
  if (!pooled)
    await ask(FACTS_SQL, (row) => {
      if (row === undefined) return state.lose(CAUSES.noFacts);
      pooled = typeof signedIn === "number" && String(row["pid"]) !== String(signedIn);
      if (pooled) return;
      state.learn(factsOf(row), { asFound, nowMs: watching.clock.nowMs() });
      copies = mayAskSystem(row);
    });
  if (pooled) await ask(RESET_SQL, (row) => learnPooled(state, row, watching.clock.nowMs()));
  if (copies) await ask(SYSTEM_SQL, (row) => state.copies(row?.["system"]?.toString()));
  if (state.serverBecause(watching.server) !== undefined) await watching.server.ask();
}

/**
 * Resolves when the connection was asked. Its caller listens for errors only from then on: one that is
 * lost meanwhile would end the process, and is told as one that could not be opened.
 */
export async function openedAfter(client: DriverClient, asked: Promise<void>): Promise<void> {
  let lost: unknown;
  const onLost = (error?: unknown): void => {
    lost ??= error;
  };
  client.on("error", onLost);
  await asked;
  client.removeListener("error", onLost);
  if (lost !== undefined) throw lost;
}

function learnPooled(state: SessionState, row: Row | undefined, nowMs: number): void {
  const pristine = row === undefined ? undefined : Pristine.of(row, state.toldAtLogin);
  if (pristine === undefined) {
    state.lose(CAUSES.noFacts);
    return;
  }
  state.learn(pristine.facts(), { asFound: false, nowMs });
  state.pooler.learned(pristine, nowMs);
}
