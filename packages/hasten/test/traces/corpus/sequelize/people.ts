import { Op } from "sequelize";
import { Document, Event, Post, Setting, Team, User } from "./models.ts";

/** GET /users: posts of each by the lazy association */
export async function usersWithPosts(): Promise<object[]> {
  const users = await User.findAll({ limit: 10, order: ["id"] });
  const shown: object[] = [];
  for (const user of users) {
    const posts = await user.getPosts();
    shown.push({ name: user.name, posts: posts.map(({ title }) => title) });
  }
  return shown;
}

/** GET /users, in the way that Sequelize has for it */
export async function usersIncludingPosts(): Promise<object[]> {
  const users = await User.findAll({
    limit: 10,
    order: ["id"],
    include: [{ model: Post, as: "posts" }],
  });
  return users.map((user) => ({ name: user.name, posts: user.posts?.length }));
}

/** GET /users: posts by a query of their own for all */
export async function usersSeparate(): Promise<object[]> {
  return User.findAll({ limit: 10, include: [{ model: Post, as: "posts", separate: true }] });
}

/** GET /posts: the author of each, side by side */
export async function postsWithAuthors(): Promise<object[]> {
  const posts = await Post.findAll({ limit: 8, order: [["id", "DESC"]] });
  return Promise.all(
    posts.map(async (post) => {
      const author = await post.getAuthor();
      return { title: post.title, author: author.name };
    }),
  );
}

export class TeamRepository {
  async byId(id: number): Promise<Team | null> {
    return await Team.findByPk(id);
  }
  async byIds(ids: readonly number[]): Promise<Team[]> {
    return await Team.findAll({ where: { id: { [Op.in]: [...ids] } } });
  }
}

/** GET /directory */
export async function directory(teams: TeamRepository): Promise<object[]> {
  const users = await User.findAll({ where: { id: { [Op.lte]: 11 } } });
  const entries: object[] = [];
  for (const user of users) {
    const team = await teams.byId(user.team_id);
    entries.push({ user: user.name, team: team?.name });
  }
  return entries;
}

export async function directoryBatched(teams: TeamRepository): Promise<object[]> {
  const users = await User.findAll({ where: { id: { [Op.lte]: 11 } } });
  const found = await teams.byIds(users.map(({ team_id }) => team_id));
  const names = new Map(found.map(({ id, name }) => [id, name]));
  return users.map((user) => ({ user: user.name, team: names.get(user.team_id) }));
}

/** POST /users/import: is the address known? */
export async function register(people: readonly { id: number; email: string }[]): Promise<number> {
  let added = 0;
  for (const { id, email } of people) {
    const [, created] = await User.findOrCreate({
      where: { email },
      defaults: { id, email, name: email, role: "member", team_id: 1 },
    });
    if (created) added += 1;
  }
  return added;
}

/** GET /users/:id/boss: the one of the one */
export async function bossOfBoss(id: number): Promise<User | null> {
  const user = await User.findByPk(id);
  const boss = await User.findByPk(user?.manager_id ?? 0);
  return await User.findByPk(boss?.manager_id ?? 0);
}

/** A flag, looked up wherever it is needed */
const flag = async (key: string): Promise<boolean> => {
  const setting = await Setting.findOne({ where: { key } });
  return setting !== null && setting.value !== "off";
};

/** GET /menu */
export async function menu(items: readonly string[]): Promise<string[]> {
  const shown: string[] = [];
  for (const item of items) {
    if (item.startsWith("admin") && !(await flag("setting 1"))) continue;
    shown.push(item);
  }
  return shown;
}

/** GET /events: no limit, and only the number is of interest */
export async function numberOfEvents(): Promise<number> {
  const events = await Event.findAll({ where: { id: { [Op.gt]: 0 } } });
  return events.length;
}

export async function countedEvents(): Promise<number> {
  return await Event.count();
}

/** GET /documents/titles */
export async function documentTitles(): Promise<string[]> {
  const documents = await Document.findAll({ attributes: ["id", "title"], limit: 100 });
  return documents.map(({ title }) => title);
}
