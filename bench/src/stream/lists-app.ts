/** An API with one list, with and without the line that caches it. */
import type { AddressInfo } from "node:net";
import express from "express";
import { hasten } from "hasten/express";
import pg from "pg";
import { settingsOf, tellParent } from "./children.ts";

export interface ListsAppSettings {
  readonly url: string;
  readonly cached: boolean;
}

export interface FromListsApp {
  readonly port: number;
}

export interface ListsAppStats {
  readonly hits: number;
  readonly misses: number;
}

const { url, cached } = settingsOf<ListsAppSettings>();
process.env["NODE_ENV"] = "production";
const CONNECTIONS_MAX = 8;
const LIST = `select i.id, i.name, i.price, c.label from items i
  join categories c on c.id = i.category where i.category = $1 order by i.id desc limit 50`;

const app = express();
const h = cached
  ? await hasten({
      postgres: { url, pool: { min: 4, max: CONNECTIONS_MAX } },
      coherence: { autoSetup: true, mode: "stream" },
      // Lists that are written all the time are reported as such: that is what is measured.
      responses: { onNotice: () => undefined },
      say: () => undefined,
    })
  : undefined;
const pool = h?.pool ?? new pg.Pool({ connectionString: url, max: CONNECTIONS_MAX });
if (h !== undefined) app.use(h.requests());
const before = h === undefined ? [] : [h.cached({ ttlMs: 60_000, shared: true })];
app.get("/lists/:category", ...before, async (req, res) => {
  const { rows } = await pool.query(LIST, [Number(req.params["category"])]);
  res.json(rows);
});

process.on("message", () => {
  const { hits = 0, misses = 0 } = h?.responses.stats() ?? {};
  tellParent({ hits, misses } satisfies ListsAppStats);
});
const server = app.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  tellParent({ port } satisfies FromListsApp);
});
