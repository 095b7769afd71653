import { DoctorError } from "../errors.ts";
import { sqlstateIn } from "./engine-messages.ts";

/**
 * PostgreSQL in a thread of its own, on a private directory whose relations' files are ours to size
 * between two calls. A statement that is refused rejects and changes nothing else. A call that takes
 * too long, a thread that fails and an abort end the engine: that call and all later ones reject.
 */
export interface Engine extends AsyncDisposable {
  /** One or more statements by the simple protocol; answers with the rows of the last. */
  run(text: string): Promise<readonly object[]>;
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Whole path of a file that `pg_relation_filepath` names. */
  file(relationPath: string): string;
  /** For who goes on after a statement that is refused: throws when there is no going on. */
  throwIfEnded(): void;
  /** Whether what was started is kept for the next run. */
  readonly isCached: boolean;
}

/** Of the model's failures only the SQLSTATE is told: its texts may hold values of statistics. */
export function modelFailed(what: string, cause: unknown): DoctorError {
  const sqlstate = sqlstateOf(cause);
  return new DoctorError(
    "HST_DOCTOR_MODEL",
    {
      message: `${what}${sqlstate === undefined ? "" : ` (SQLSTATE ${sqlstate})`}.`,
      fix: "Run without the model: index advice is then marked as unverified.",
    },
    { sqlstate },
  );
}

export function sqlstateOf(error: unknown): string | undefined {
  return error instanceof DoctorError ? error.sqlstate : sqlstateIn(error);
}
