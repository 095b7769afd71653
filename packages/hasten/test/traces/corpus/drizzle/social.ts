import { asc, count, desc, eq, inArray, sql } from "drizzle-orm";
import { comments, type Drizzle, permissions, posts, teams, users } from "./tables.ts";

/** GET /posts */
export async function postsWithComments(db: Drizzle): Promise<object[]> {
  const latest = await db.select().from(posts).orderBy(desc(posts.id)).limit(10);
  const shown: object[] = [];
  for (const post of latest) {
    const found = await db.select().from(comments).where(eq(comments.postId, post.id));
    shown.push({ ...post, comments: found });
  }
  return shown;
}

/** GET /posts, by the relations */
export function postsWithRelations(db: Drizzle): Promise<object[]> {
  return db.query.posts.findMany({ limit: 10, with: { author: true, comments: true } });
}

/** GET /authors: each by its own relational query */
export async function authorsOfPosts(db: Drizzle): Promise<(object | undefined)[]> {
  const latest = await db.query.posts.findMany({ limit: 9, columns: { authorId: true } });
  return await Promise.all(
    latest.map((post) => db.query.users.findFirst({ where: eq(users.id, post.authorId) })),
  );
}

export async function postsByInArray(db: Drizzle): Promise<object[]> {
  const latest = await db.select().from(posts).orderBy(asc(posts.id)).limit(15);
  const ids = latest.map(({ id }) => id);
  const found = await db.select().from(comments).where(inArray(comments.postId, ids));
  return latest.map((post) => ({
    ...post,
    comments: found.filter(({ postId }) => postId === post.id),
  }));
}

export class AccessControl {
  readonly #db: Drizzle;
  constructor(db: Drizzle) {
    this.#db = db;
  }

  async can(user: number, document: number): Promise<boolean> {
    const [found] = await this.#db
      .select({ allowed: permissions.allowed })
      .from(permissions)
      .where(sql`${permissions.userId} = ${user} and ${permissions.documentId} = ${document}`)
      .limit(1);
    return found?.allowed ?? false;
  }

  async filter(user: number, documents: readonly number[]): Promise<number[]> {
    const allowed: number[] = [];
    for (const document of documents) {
      if (document % 4 === 0) continue;
      if (await this.can(user, document)) allowed.push(document);
    }
    return allowed;
  }
}

/** GET /teams: how many are in each */
export const teamSizes = async (db: Drizzle): Promise<object[]> => {
  const all = await db.select().from(teams).limit(12);
  const sizes = all.map(async (team) => {
    const [size] = await db
      .select({ members: count() })
      .from(users)
      .where(eq(users.teamId, team.id));
    return { ...team, members: size!.members };
  });
  return Promise.all(sizes);
};

export async function teamSizesGrouped(db: Drizzle): Promise<object[]> {
  return db
    .select({ name: teams.name, members: count(users.id) })
    .from(teams)
    .leftJoin(users, eq(users.teamId, teams.id))
    .groupBy(teams.id, teams.name);
}

/** Who is above somebody: each is known from the one below. */
export async function superiors(db: Drizzle, user: number): Promise<string[]> {
  const names: string[] = [];
  let next: number | null = user;
  while (next !== null) {
    const [found]: { name: string; managerId: number | null }[] = await db
      .select({ name: users.name, managerId: users.managerId })
      .from(users)
      .where(eq(users.id, next));
    names.push(found!.name);
    next = found!.managerId;
  }
  return names;
}
