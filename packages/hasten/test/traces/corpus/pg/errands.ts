import { setTimeout as after } from "node:timers/promises";
import type pg from "pg";

/** Asks again when the server says that two were in each other's way. */
export async function withRetries<T>(times: number, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= times) throw error;
      await after(attempt);
    }
  }
}

export async function unsteadyTotal(pool: pg.Pool): Promise<unknown> {
  let failures = 3;
  return withRetries(5, async () => {
    const { rows } = await pool.query("select sum(total) / $1::int as share from orders", [
      failures-- > 0 ? 0 : 2,
    ]);
    return rows[0] as unknown;
  });
}

/** Waits until somebody has done the job. */
export async function untilDone(pool: pg.Pool, job: number): Promise<string> {
  const finish = after(45).then(() =>
    pool.query("update jobs set status = 'done' where id = $1", [job]),
  );
  for (let look = 0; look < 100; look++) {
    const { rows } = await pool.query<{ status: string }>("select status from jobs where id = $1", [
      job,
    ]);
    if (rows[0]?.status === "done") break;
    await after(10);
  }
  await finish;
  return "done";
}

/** POST /import: rows that are new are inserted, others are left alone. */
export async function importUsers(
  pool: pg.Pool,
  people: readonly { id: number; email: string }[],
): Promise<number> {
  let added = 0;
  for (const { id, email } of people) {
    const known = await pool.query("select id from users where email = $1 limit 1", [email]);
    if (known.rows.length > 0) continue;
    await pool.query(
      "insert into users (id, name, email, role, team_id) values ($1, $2, $2, 'member', 1)",
      [id, email],
    );
    added += 1;
  }
  return added;
}

/** GET /schema, for an administrator's page. */
export async function describeTables(pool: pg.Pool): Promise<object[]> {
  const { rows: tables } = await pool.query<{ table_name: string }>(
    "select table_name from information_schema.tables where table_schema = 'public'",
  );
  const described: object[] = [];
  for (const { table_name } of tables) {
    const { rows } = await pool.query<object>(
      "select column_name, data_type from information_schema.columns where table_name = $1",
      [table_name],
    );
    described.push({ table_name, columns: rows });
  }
  return described;
}

/** GET /ready, after a channel has been listened to. */
export async function ready(pool: pg.Pool): Promise<boolean> {
  const client = await pool.connect();
  try {
    await client.query("listen orders_changed");
    for (let look = 0; look < 4; look++) await client.query("select 1");
    await client.query("unlisten orders_changed");
    return true;
  } finally {
    client.release();
  }
}

export const userOf = async (pool: pg.Pool, id: number): Promise<unknown> =>
  (await pool.query<object>("select id, name from users where id = $1", [id])).rows[0];

/** POST /messages: from one, to another. */
export async function correspondents(pool: pg.Pool): Promise<unknown[]> {
  const sender = await userOf(pool, 4);
  const recipient = await userOf(pool, 9);
  return [sender, recipient];
}

/** A job at night: a mail for each of some customers, one after the other, as the mail server likes it. */
export async function remind(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ id: number }>("select id from users order by id limit 8");
  let sent = 0;
  for (const { id } of rows) {
    const { rows: open } = await pool.query(
      "select id, total from orders where customer_id = $1 and status = 'open'",
      [id],
    );
    if (open.length > 0) sent += 1;
    await pool.query("insert into audit_log (actor_id, action) values ($1, 'reminded')", [id]);
  }
  return sent;
}
