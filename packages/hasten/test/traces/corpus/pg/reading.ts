import type pg from "pg";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";

/** A cursor for each customer. */
export async function ordersByCursor(pool: pg.Pool, customers: readonly number[]): Promise<number> {
  const client = await pool.connect();
  let seen = 0;
  try {
    for (const customer of customers) {
      const cursor = client.query(
        new Cursor("select id, total from orders where customer_id = $1", [customer]),
      );
      for (let rows = await cursor.read(10); rows.length > 0; rows = await cursor.read(10))
        seen += rows.length;
      await cursor.close();
    }
  } finally {
    client.release();
  }
  return seen;
}

/** A stream for each post. */
export async function commentsByStream(pool: pg.Pool, posts: readonly number[]): Promise<number> {
  let letters = 0;
  for (const post of posts) {
    const client = await pool.connect();
    try {
      const stream = client.query(
        new QueryStream("select text from comments where post_id = $1", [post]),
      );
      for await (const row of stream) letters += (row as { text: string }).text.length;
    } finally {
      client.release();
    }
  }
  return letters;
}

/** One cursor over much, in portions. */
export async function countKinds(pool: pg.Pool): Promise<Map<string, number>> {
  const client = await pool.connect();
  const kinds = new Map<string, number>();
  try {
    const cursor = client.query(new Cursor("select kind from events order by id"));
    for (let rows = await cursor.read(500); rows.length > 0; rows = await cursor.read(500))
      for (const { kind } of rows as { kind: string }[])
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    await cursor.close();
  } finally {
    client.release();
  }
  return kinds;
}

/** GET /events: whoever asks gets them all. */
export async function allEvents(pool: pg.Pool): Promise<object[]> {
  const { rows } = await pool.query<object>("select id, kind, user_id from events");
  return rows;
}
