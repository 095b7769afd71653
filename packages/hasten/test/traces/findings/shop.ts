/** A server with a real database: what its handlers ask is what the tests of findings look at. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { requests } from "hasten/express";
import { createDatabase, type Database, sql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";

export interface Shop extends AsyncDisposable {
  readonly db: Database;
  readonly url: string;
  get(path: string): Promise<string>;
}

export interface Post {
  readonly id: number;
  readonly author: number;
}

export async function openShop(): Promise<Shop> {
  const fresh = await freshDatabase();
  const db = createDatabase({ url: fresh.url, pool: { min: 1, max: 4 } });
  await db.execute(sql`create table users (id int primary key, name text)`);
  await db.execute(sql`create table posts (id int primary key, author int)`);
  await db.execute(sql`insert into users select n, 'user ' || n from generate_series(1, 50) n`);
  await db.execute(sql`insert into posts select n, n from generate_series(1, 50) n`);
  const app = express();
  app.use(requests({ timing: false }));
  app.get("/posts", async (req, res) => void res.json(await listPosts(db, Number(req.query["n"]))));
  app.get("/joined", async (_req, res) => void res.json(await joinedPosts(db)));
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    db,
    url,
    get: async (path) => (await fetch(`${url}${path}`)).text(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await db.drain();
      await fresh.drop();
    },
  };
}

export async function listPosts(db: Database, count: number): Promise<readonly unknown[]> {
  const posts = await db.query<Post>(sql`select id, author from posts order by id limit ${count}`);
  const shown: unknown[] = [];
  for (const post of posts) {
    const author = await db.queryOne(sql`select * from users where id = ${post.author}`);
    shown.push({ ...post, author });
  }
  return shown;
}

async function joinedPosts(db: Database): Promise<readonly unknown[]> {
  return db.query(sql`select p.id, u.name from posts p join users u on u.id = p.author limit 20`);
}
