/**
 * Looks at the server's running transactions while something waits for them to end.
 *
 * Invariants: one look under way; none while nothing waits; repeated after at most PAUSE_MAX_MS.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import type { PlainLink } from "./plain-link.ts";
import { parseSnapshot, type Snapshot } from "./snapshot.ts";

const LOOK = "select pg_current_snapshot()::text";
const PAUSE_MAX_MS = 25;

/** What the server sees now. */
export async function snapshotOf(link: PlainLink): Promise<Snapshot> {
  const [row] = await link.run("hasten_look", LOOK);
  return parseSnapshot(String(row?.[0]));
}

export interface LooksOptions {
  readonly link: PlainLink;
  readonly clock: Clock;
  /** Gives whether something still waits. */
  readonly onSnapshot: (snapshot: Snapshot) => boolean;
  readonly onLost: (error: Error) => void;
}

export class Looks {
  readonly #options: LooksOptions;
  #timer: Timer | undefined;
  #pauseMs = 0;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** Something new waits: looks now. */
  wake(): void {
    this.#pauseMs = 0;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#timer?.cancel();
    void this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    if (this.#closed) return;
    const { link, onSnapshot, onLost, clock } = this.#options;
    this.#looking = true;
    this.#again = false;
    try {
      const snapshot = await snapshotOf(link);
      this.#looking = false;
      if (this.#closed || !onSnapshot(snapshot)) return;
    } catch (error) {
      this.#looking = false;
      if (!this.#closed) onLost(error as Error);
      return;
    }
    if (this.#again) return void this.#look();
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2 + 1);
    if (pauseMs === 0) return void this.#look();
    this.#timer = clock.schedule(pauseMs, () => void this.#look());
  }
}
