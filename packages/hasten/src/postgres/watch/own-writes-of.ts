/**
 * The writes of one connection, told to the source of changes once they are committed.
 *
 * Invariants:
 * - Told after the server acknowledged, before the caller is: see `Run.wait`.
 * - A write whose outcome is unknown is told as well: it may stand.
 * - Only a rollback that the server confirmed forgets writes.
 */
import { untraced } from "../../core/trace/index.ts";
import type { ChangeSource, CommittedWrite } from "../coherence/source.ts";
import type { Run } from "./run.ts";
import type { SessionState } from "./session-state.ts";

const TAGS_MAX = 1_000;

interface Gathered {
  readonly tags: Set<string>;
  complete: boolean;
  changesSchema: boolean;
}

export class OwnWritesOf {
  readonly #source: () => ChangeSource;
  readonly #onQueued: () => void;
  #gathered: Gathered | undefined;

  constructor(source: () => ChangeSource, onQueued: () => void) {
    this.#source = source;
    this.#onQueued = onQueued;
  }

  /** Call before the state is changed by the run. */
  apply(run: Run, state: SessionState): Promise<void> | undefined {
    const { outcome, status } = run;
    if (outcome === "unsent") return undefined;
    const before = state.inTransaction;
    if (mayHaveWritten(run)) {
      this.#gather(run, state);
      state.wrote();
    }
    if (this.#gathered === undefined) return undefined;
    if (outcome === "lost") return before && !mayCommit(run) ? undefined : this.#settle();
    if (run.committed || !before)
      return status === "I" || run.committed ? this.#settle() : undefined;
    if (status === "I") this.#gathered = undefined;
    return undefined;
  }

  #gather(run: Run, state: SessionState): void {
    const { analysis } = run;
    this.#gathered ??= { tags: new Set(), complete: true, changesSchema: false };
    const gathered = this.#gathered;
    const known = analysis?.kind === "write" ? analysis : undefined;
    const sure =
      state.unknownBecause === undefined &&
      state.changedBecause() === undefined &&
      state.pooler.becauseOf(run) === undefined;
    gathered.complete &&= known?.complete === true && sure;
    gathered.changesSchema ||= known?.changesSchema ?? true;
    for (const tag of known?.tags ?? []) {
      if (gathered.tags.size >= TAGS_MAX) {
        gathered.complete = false;
        break;
      }
      gathered.tags.add(tag);
    }
  }

  #settle(): Promise<void> {
    const { tags, complete, changesSchema } = this.#gathered!;
    this.#gathered = undefined;
    const write: CommittedWrite = { tags: [...tags], complete, changesSchema };
    return untraced(() => this.#source().settle(write)).then(
      (outcome) => {
        if (outcome === "queued") this.#onQueued();
      },
      () => this.#onQueued(),
    );
  }
}

function mayHaveWritten({ analysis, outcome }: Run): boolean {
  if (analysis === undefined) return true;
  if (analysis.kind === "opaque") return analysis.mayWrite;
  return analysis.kind === "write" && outcome !== "refused";
}

/** Nothing but a read, a savepoint or a setting leaves the transaction open for sure. */
function mayCommit({ analysis }: Run): boolean {
  if (analysis?.kind === "session") return analysis.effect.kind === "commit";
  return analysis?.kind === "opaque" ? analysis.mayWrite : analysis === undefined;
}
