/**
 * What a watched client's statements take, for the records of their traces. A statement of a Database
 * on this client is recorded by the Database.
 */
import type { Clock } from "../../core/clock.ts";
import type { QueryRecord } from "../../core/trace/index.ts";
import { measuredClients } from "../measured-clients.ts";
import { recordAsked } from "../recording/asked.ts";
import { ClientTransactions } from "../recording/client-transactions.ts";
import { bytesReadOf, recordEnded, recordSent } from "../recording/record.ts";
import { shapeOf } from "../recording/shape.ts";
import { rowsOf } from "../recording/statement-life.ts";
import type { Run } from "./run.ts";
import type { DriverClient } from "./shapes.ts";

export class RunRecorder {
  readonly #clock: Clock;
  readonly #transactions = new ClientTransactions();
  #client: DriverClient | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whose statements they are. */
  of(client: DriverClient): void {
    this.#client = client;
  }

  /** The application asks the client itself. */
  called(config: unknown, values: unknown): QueryRecord | undefined {
    if (this.#client === undefined || measuredClients.has(this.#client)) return undefined;
    const record = recordAsked(this.#clock, config, values);
    const { submit } = config as { submit?: unknown };
    if (record !== undefined && typeof submit === "function") record.streamed = true;
    return record;
  }

  sent({ record, trace }: Run): void {
    if (record === undefined) return;
    recordSent(record, this.#clock.nowMs(), bytesReadOf(this.#client!));
    this.#transactions.sent(record, trace);
  }

  ended(run: Run): void {
    const { record, outcome, completed, status, answer } = run;
    const isOpen = this.#transactions.isOpen;
    if (record === undefined && !isOpen) return;
    const client = this.#client!;
    const nowMs = this.#clock.nowMs();
    const failed = outcome !== "answered" && outcome !== "running";
    const error = failed ? (run.error ?? FAILED) : undefined;
    if (record !== undefined && record.endedMs === 0) {
      const rows = Math.max(rowsOf(completed), run.rows);
      const database = client.database ?? "";
      const bytesRead = bytesReadOf(client);
      recordEnded(record, { nowMs, bytesRead, rows, answer, error, database });
    }
    if (!isOpen) return;
    const shape = record?.shape ?? shapeOf(run.text);
    const lost = outcome === "lost";
    this.#transactions.ended(shape, { failed, lost, completed, status }, nowMs);
  }
}

const FAILED: Error = new Error("failed");
