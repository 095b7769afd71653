import { createCache } from "hasten/cache";
import { type Database, sql } from "hasten/postgres";
import { loadMany } from "hasten/traces";

interface User {
  readonly id: number;
  readonly name: string;
  readonly team_id: number;
}

const firstUsers = (db: Database, many: number): Promise<readonly User[]> =>
  db.query<User>(sql`select id, name, team_id from users order by id limit ${many}`);

/** GET /users */
export async function usersWithTeams(db: Database): Promise<object[]> {
  const users = await firstUsers(db, 11);
  const shown: object[] = [];
  for (const user of users) {
    const team = await db.queryOne(sql`select name from teams where id = ${user.team_id}`);
    shown.push({ ...user, team });
  }
  return shown;
}

export async function usersWithTeamsByIds(db: Database): Promise<object[]> {
  const users = await firstUsers(db, 11);
  const ids = users.map(({ team_id }) => team_id);
  const teams = await db.byIds<{ name: string }, number>("teams", "id", ids);
  return users.map((user) => ({ ...user, team: teams.get(user.team_id) }));
}

export function usersWithTeamsLoaded(db: Database): () => Promise<object[]> {
  const team = loadMany((ids: readonly number[]) =>
    db.byIds<{ name: string }, number>("teams", "id", ids),
  );
  return async () => {
    const users = await firstUsers(db, 11);
    return Promise.all(users.map(async (user) => ({ ...user, team: await team(user.team_id) })));
  };
}

/** GET /orders/pieces: side by side, in a transaction */
export async function pieces(db: Database, orders: readonly number[]): Promise<unknown[]> {
  return await db.transaction(async (tx) => {
    const asked = orders.map((order) =>
      tx.query(sql`select sum(quantity) from order_lines where order_id = ${order}`),
    );
    return await Promise.all(asked);
  });
}

/** GET /menu: the cache is asked in a loop, the database once */
export function cachedTitles(db: Database): () => Promise<unknown[]> {
  const cache = createCache({ name: "titles" });
  const key = cache.key("title", (id: number) => [id]).of<unknown>();
  return async () => {
    const read = async () => (await db.query(sql`select title from posts where id = ${1}`))[0];
    const titles: unknown[] = [];
    for (let turn = 0; turn < 12; turn++)
      titles.push(await cache.getOrSet(key(1), read, { ttlMs: 60_000 }));
    return titles;
  };
}

/** GET /posts: pages by keys until there are enough that fit */
export async function fitting(db: Database): Promise<object[]> {
  const found: object[] = [];
  let after = 0;
  while (found.length < 20) {
    const page = await db.query<{ id: number; author_id: number }>(
      sql`select id, author_id from posts where id > ${after} order by id limit ${10}`,
    );
    found.push(...page.filter(({ author_id }) => author_id % 2 === 0));
    if (page.length < 10) break;
    after = page.at(-1)!.id;
  }
  return found;
}

/** The signed-in user, three times */
async function currentUser(db: Database, id: number): Promise<User | undefined> {
  return await db.queryOne<User>(sql`select id, name, team_id from users where id = ${id}`);
}

export async function profile(db: Database, id: number): Promise<object> {
  const greeting = `Hello ${(await currentUser(db, id))?.name}`;
  const [team] = await db.query(
    sql`select name from teams where id = ${(await currentUser(db, id))?.team_id ?? 0}`,
  );
  return { greeting, team, id: (await currentUser(db, id))?.id };
}
