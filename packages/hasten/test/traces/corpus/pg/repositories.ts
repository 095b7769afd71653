import type pg from "pg";

export interface User {
  readonly id: number;
  readonly name: string;
  readonly role: string;
  readonly team_id: number;
}

export class UserRepository {
  constructor(pool: pg.Pool) {
    this.pool = pool;
  }
  readonly pool: pg.Pool;

  async findById(id: number): Promise<User | undefined> {
    const { rows } = await this.pool.query<User>(
      "select id, name, role, team_id from users where id = $1",
      [id],
    );
    return rows[0];
  }

  async findByIds(ids: readonly number[]): Promise<User[]> {
    const marks = ids.map((_id, place) => `$${place + 1}`).join(", ");
    const { rows } = await this.pool.query<User>(
      `select id, name, role, team_id from users where id in (${marks})`,
      [...ids],
    );
    return rows;
  }
}

export const settingOf =
  (pool: pg.Pool) =>
  async (key: string): Promise<string> => {
    const { rows } = await pool.query<{ value: string }>(
      "select value from settings where key = $1",
      [key],
    );
    return rows[0]!.value;
  };
