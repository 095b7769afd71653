/** What the cases for drivers are made of. */
import type { RedisConnection } from "../redis/index.ts";

/** How to misuse the server, for the cases about faults; without it they are left out. */
export interface RedisServerControl {
  /** It accepts connections and commands, and answers nothing. */
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
  /** Nobody listens any more. */
  kill(): void | Promise<void>;
  /** Where it was, or elsewhere if the driver will find it there. */
  restart(): void | Promise<void>;
}

export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** What a case works with. */
export interface ConformanceBench {
  /** In the slot of the connections. */
  key(name: string): string;
  connect(connectTimeoutMs?: number): Promise<RedisConnection>;
  readonly control: RedisServerControl | undefined;
}

/** Runs with a connection that is closed afterwards. */
export async function connected(
  bench: ConformanceBench,
  work: (call: RedisConnection["call"], connection: RedisConnection) => Promise<void>,
): Promise<void> {
  const connection = await bench.connect();
  try {
    await work((words) => connection.call(words), connection);
  } finally {
    connection.close();
  }
}
