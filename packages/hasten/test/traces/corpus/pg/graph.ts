/** A server for graphs in small: fields are resolved one by one, each by a function of its own. */
import DataLoader from "dataloader";
import type pg from "pg";

interface Row {
  readonly id: number;
  readonly [column: string]: unknown;
}
interface Context {
  readonly pool: pg.Pool;
  readonly teams: DataLoader<number, Row>;
}
type Resolver = (parent: Row, context: Context) => unknown;

const resolvers: Record<string, Record<string, Resolver>> = {
  Query: {
    users: async (_parent, { pool }) =>
      (await pool.query<Row>("select id, name, team_id, manager_id from users order by id limit 9"))
        .rows,
  },
  User: {
    team: (user, { teams }) => teams.load(user["team_id"] as number),
    async posts(user, { pool }) {
      const { rows } = await pool.query<Row>("select id, title from posts where author_id = $1", [
        user.id,
      ]);
      return rows;
    },
  },
};

async function resolveField(type: string, field: string, work: [Row, Context]): Promise<unknown> {
  const resolver = resolvers[type]![field];
  return resolver === undefined ? work[0][field] : await resolver(...work);
}

export async function execute(pool: pg.Pool, fields: readonly string[]): Promise<object[]> {
  const teams = new DataLoader<number, Row>(async (ids) => {
    const { rows } = await pool.query<Row>("select id, name from teams where id = any($1)", [ids]);
    return ids.map((id) => rows.find((row) => row.id === id) ?? new Error("no such team"));
  });
  const context = { pool, teams };
  const users = (await resolveField("Query", "users", [{ id: 0 }, context])) as Row[];
  return Promise.all(
    users.map(async (user) => {
      const values = await Promise.all(
        fields.map((field) => resolveField("User", field, [user, context])),
      );
      return Object.fromEntries(fields.map((field, place) => [field, values[place]]));
    }),
  );
}
