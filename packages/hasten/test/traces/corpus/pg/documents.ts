import type pg from "pg";
import type { UserRepository } from "./repositories.ts";

const mayRead = async (pool: pg.Pool, user: number, document: number): Promise<boolean> => {
  const { rows } = await pool.query<{ allowed: boolean }>(
    "select allowed from permissions where user_id = $1 and document_id = $2",
    [user, document],
  );
  return rows[0]?.allowed === true;
};

/** GET /documents: those that the user may read. */
export async function visibleDocuments(pool: pg.Pool, user: number): Promise<object[]> {
  const { rows } = await pool.query<{ id: number; owner_id: number }>(
    "select id, owner_id, title from documents order by id limit 20",
  );
  const visible: object[] = [];
  for (const document of rows) {
    if (document.owner_id === user) visible.push(document);
    else if (await mayRead(pool, user, document.id)) visible.push(document);
  }
  return visible;
}

/** GET /documents/titles: shows titles, reads contents. */
export async function titles(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ title: string }>(
    "SELECT * FROM documents ORDER BY title LIMIT 100",
  );
  return rows.map(({ title }) => title);
}

/** GET /documents/:id: one document is shown with all that it has. */
export async function whole(pool: pg.Pool, id: number): Promise<unknown> {
  const { rows } = await pool.query<object>("select * from documents where id = $1", [id]);
  return rows[0];
}

/** Every layer looks who it is. */
export class DocumentPage {
  constructor(pool: pg.Pool, users: UserRepository) {
    this.#pool = pool;
    this.#users = users;
  }
  readonly #pool: pg.Pool;
  readonly #users: UserRepository;

  async show(user: number, id: number): Promise<object> {
    await this.#authenticate(user);
    const document = await this.#document(user, id);
    return { document, menu: await this.#menu(user), theme: await this.#theme(user) };
  }

  async #authenticate(user: number): Promise<void> {
    if ((await this.#users.findById(user)) === undefined) throw new Error("who are you?");
  }

  async #document(user: number, id: number): Promise<unknown> {
    const viewer = await this.#users.findById(user);
    const { rows } = await this.#pool.query<{ owner_id: number }>(
      "select id, owner_id, title from documents where id = $1",
      [id],
    );
    return { ...rows[0], editable: viewer?.role === "admin" };
  }

  async #menu(user: number): Promise<string[]> {
    const viewer = await this.#users.findById(user);
    return viewer?.role === "admin" ? ["users", "documents"] : ["documents"];
  }

  async #theme(user: number): Promise<string> {
    const viewer = await this.#users.findById(user);
    return viewer?.team_id === 1 ? "dark" : "light";
  }
}
