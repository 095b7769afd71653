/** An Express app of three different statements, in a process of its own: prints its port, ends with its standard input. */
import type { AddressInfo } from "node:net";
import express from "express";
import { requests } from "hasten/express";
import { observe } from "hasten/postgres";
import pg from "pg";
import { SUBJECTS } from "./subjects.ts";

const [, , subject, connectionString] = process.argv;
if (!SUBJECTS.some((name) => name === subject)) throw new Error(`no subject is named ${subject}`);
const pool = new pg.Pool({ connectionString: connectionString!, max: 20, min: 20 });
const app = express();
app.disable("x-powered-by");
if (subject !== "no trace") app.use(requests({ timing: false, compression: false }));
if (subject === "recorded") observe(pool);

/** Prepared once for each connection: the app is to be the limit, not the server. */
const ask = (name: string, text: string, value: number): Promise<pg.QueryResult> =>
  pool.query({ name, text, values: [value] });

app.get("/order/:id", async (req, res) => {
  const id = Number(req.params.id);
  const order = await ask("order", "select id, customer, total from orders where id = $1", id);
  const { customer } = order.rows[0] as { customer: number };
  const [who, lines] = await Promise.all([
    ask("customer", "select id, name from customers where id = $1", customer),
    ask("lines", "select id, item from lines where order_id = $1 limit 5", id),
  ]);
  res.json({ order: order.rows[0], customer: who.rows[0], lines: lines.rows });
});

const server = app.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
process.stdin.resume().once("end", () => process.exit(0));
