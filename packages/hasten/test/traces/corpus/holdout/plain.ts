import type pg from "pg";

export class UserPresenter {
  readonly #pool: pg.Pool;
  readonly #user: { id: number; name: string };
  constructor(pool: pg.Pool, user: { id: number; name: string }) {
    this.#pool = pool;
    this.#user = user;
  }

  async present(): Promise<object> {
    const { name } = this.#user;
    return { name, activity: await this.#activity() };
  }

  async #activity(): Promise<number> {
    const { rows } = await this.#pool.query<{ n: number }>(
      "select count(*)::int as n from comments where author_id = $1",
      [this.#user.id],
    );
    return rows[0]!.n;
  }
}

/** GET /people */
export async function people(pool: pg.Pool): Promise<object[]> {
  const { rows } = await pool.query<{ id: number; name: string }>(
    "select id, name from users where role = 'member' order by name limit 16",
  );
  return Promise.all(rows.map((user) => new UserPresenter(pool, user).present()));
}

/** GET /rates/USD: the last nine days */
export async function rateHistory(pool: pg.Pool, currency: string): Promise<number[]> {
  const rates: number[] = [];
  for (let back = 0; back < 9; back++) {
    const day = new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    const { rows } = await pool.query<{ rate: string }>(
      "select rate from rates where currency = $1 and day = $2",
      [currency, day],
    );
    rates.push(Number(rows[0]?.rate ?? 0));
  }
  return rates;
}

/** POST /tags: the ids of tags by name; those that are new are made. */
export async function tagIds(pool: pg.Pool, names: readonly string[]): Promise<number[]> {
  const ids: number[] = [];
  for (const [place, name] of names.entries()) {
    const known = await pool.query<{ id: number }>("select id from tags where name = $1", [name]);
    if (known.rows.length > 0) {
      ids.push(known.rows[0]!.id);
      continue;
    }
    const made = await pool.query<{ id: number }>(
      "insert into tags (id, name) values ($1, $2) returning id",
      [7_000 + place, name],
    );
    ids.push(made.rows[0]!.id);
  }
  return ids;
}

/** POST /invoices: numbers without gaps, under a lock that all processes know. */
export async function invoiceNumbers(pool: pg.Pool, many: number): Promise<string[]> {
  const client = await pool.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [77]);
    const numbers: string[] = [];
    for (let turn = 0; turn < many; turn++) {
      const { rows } = await client.query<{ n: string }>("select nextval('jobs_id_seq') as n");
      numbers.push(rows[0]!.n);
    }
    await client.query("select pg_advisory_unlock($1)", [77]);
    return numbers;
  } finally {
    client.release();
  }
}
