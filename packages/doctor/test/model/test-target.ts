import pg from "pg";
import { DoctorError } from "../../src/errors.ts";
import type { Target } from "../../src/target/types.ts";

/** A session of the given role, read-only as the doctor's is. */
export async function testTarget(
  connection: pg.ClientConfig,
  options: { parallel?: boolean } = {},
): Promise<Target & { client: pg.Client }> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query("set default_transaction_read_only = on; set lock_timeout = '200ms'");
  if (options.parallel !== true) await client.query("set max_parallel_workers_per_gather = 0");
  const { rows } = await client.query(
    "select current_setting('server_version_num')::int as num, current_database() as name, current_user as role",
  );
  const run = async (text: string, values?: readonly unknown[]): Promise<readonly never[]> => {
    try {
      const answer =
        values === undefined ? await client.query(text) : await client.query(text, [...values]);
      return answer.rows as never[];
    } catch (error) {
      throw new DoctorError(
        "HST_DOCTOR_STATEMENT",
        { message: String(error), fix: "See the cause." },
        { sqlstate: (error as { code?: string }).code, cause: error },
      );
    }
  };
  return {
    client,
    versionNum: rows[0].num,
    major: Math.floor(rows[0].num / 10_000),
    database: rows[0].name,
    rights: { role: rows[0].role, superuser: true, statistics: true, data: true },
    rows: run,
    simple: (text) => run(text),
    spent: () => ({ statements: 0, waitedMs: 0 }),
    [Symbol.asyncDispose]: () => client.end(),
  };
}
