import type pg from "pg";
import type { User, UserRepository } from "./repositories.ts";

interface Post {
  readonly id: number;
  readonly author_id: number;
  readonly title: string;
}
interface Comment {
  readonly author_id: number;
  readonly text: string;
}

const latestPosts = async (pool: pg.Pool, limit: number): Promise<Post[]> =>
  (
    await pool.query<Post>("select id, author_id, title from posts order by id desc limit $1", [
      limit,
    ])
  ).rows;

/** GET /posts */
export async function listPosts(pool: pg.Pool, users: UserRepository): Promise<object[]> {
  const posts = await latestPosts(pool, 12);
  return Promise.all(
    posts.map(async (post) => ({ ...post, author: await users.findById(post.author_id) })),
  );
}

/** GET /posts?authors=batched, in portions that differ in length. */
export async function listPostsInPortions(
  pool: pg.Pool,
  users: UserRepository,
): Promise<Map<number, User>> {
  const posts = await latestPosts(pool, 50);
  const authors = new Map<number, User>();
  for (const size of [10, 13, 17, 10]) {
    const portion = posts.splice(0, size).map((post) => post.author_id);
    for (const user of await users.findByIds(portion)) authors.set(user.id, user);
  }
  return authors;
}

/** GET /feed: comments of each post, and the author of each comment. */
export async function feed(pool: pg.Pool): Promise<object[]> {
  const posts = await latestPosts(pool, 6);
  const withComments = posts.map(async (post) => {
    const { rows: comments } = await pool.query<Comment>(
      "select author_id, text from comments where post_id = $1",
      [post.id],
    );
    const withAuthors = await Promise.all(
      comments.map(async (comment) => ({
        ...comment,
        author: (await pool.query("select name from users where id = $1", [comment.author_id]))
          .rows[0] as object,
      })),
    );
    return { ...post, comments: withAuthors };
  });
  return await Promise.all(withComments);
}

/** The tags of a post, as a widget asks for them; one that fails must not take the others along. */
export async function tagClouds(pool: pg.Pool): Promise<number> {
  const posts = await latestPosts(pool, 8);
  const tagsOf = async (post: Post): Promise<object[]> => {
    const { rows } = await pool.query<object>(
      "select t.name from tags t join post_tags p on p.tag_id = t.id where p.post_id = $1",
      [post.id],
    );
    return rows;
  };
  const settled = await Promise.allSettled(posts.map(tagsOf));
  return settled.filter(({ status }) => status === "fulfilled").length;
}

/** A free slug for a new post: the first that is not taken. */
export async function freeSlug(pool: pg.Pool, title: string): Promise<string> {
  for (let n = 1; n < 100; n++) {
    const slug = n === 1 ? title : `${title}-${n}`;
    const { rows } = await pool.query("select 1 from posts where slug = $1 limit 1", [slug]);
    if (rows.length === 0) return slug;
  }
  throw new Error("no free slug");
}
