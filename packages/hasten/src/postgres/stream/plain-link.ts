/**
 * One plain connection for short statements of the stream's own, one after the other.
 *
 * Invariant: settings that an administrator may have made for everyone do not reach it: no statement
 * waits for a synchronous standby, and none is ended for idling.
 */
import type { Clock } from "../../core/clock.ts";
import { type ConnectionOptions, connect, disconnect, type TextRow } from "./client.ts";

export interface PlainLink {
  run(name: string, text: string, values?: readonly string[]): Promise<readonly TextRow[]>;
  /** How long the oldest statement has been without an answer; 0 if none is. Milliseconds. */
  readonly silentMs: number;
  close(): Promise<void>;
}

const SETTINGS = `select set_config('synchronous_commit', 'local', false),
  set_config('statement_timeout', '0', false), set_config('idle_session_timeout', '0', false),
  set_config('default_transaction_isolation', 'read committed', false)`;

const SETTINGS_MS = 5_000;

export async function openPlainLink(
  options: ConnectionOptions,
  clock: Clock,
  onLost: (error: Error) => void,
): Promise<PlainLink> {
  const client = await connect(options, "hasten stream", false);
  let closed = false;
  const lost = (error?: Error): void => {
    if (!closed) onLost(error ?? new Error("the connection was closed"));
  };
  client.on("error", lost);
  client.on("end", lost);
  const sentMs: number[] = [];
  // A connection that swallows everything reports nothing: until it is watched it has a bound.
  const patience = clock.schedule(SETTINGS_MS, () => client.connection.stream.destroy());
  await client.query(SETTINGS).finally(() => patience.cancel());
  return {
    async run(name, text, values = []) {
      sentMs.push(clock.nowMs());
      try {
        return (await client.query({ name, text, values, rowMode: "array" })).rows;
      } finally {
        sentMs.shift();
      }
    },
    get silentMs() {
      return sentMs.length === 0 ? 0 : clock.nowMs() - sentMs[0]!;
    },
    close() {
      closed = true;
      return disconnect(client);
    },
  };
}
