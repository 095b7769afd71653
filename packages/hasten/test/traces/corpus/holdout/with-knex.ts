import type { Knex } from "knex";

interface Node {
  readonly name: string;
  readonly children: Node[];
}

/** GET /menu: the tree of categories, the children of each side by side */
export async function menuBelow(knex: Knex, parent: number): Promise<Node[]> {
  const rows = await knex<{ id: number; name: string; parent_id: number }>("categories")
    .where("parent_id", parent)
    .select("id", "name");
  return await Promise.all(
    rows.map(async ({ id, name }) => ({ name, children: await menuBelow(knex, id) })),
  );
}

/** GET /admin: how things stand */
export async function adminBoard(knex: Knex): Promise<Record<string, unknown>> {
  const open = await knex("orders").where("status", "open").count("* as n").first();
  const admins = await knex("users").where("role", "admin").count("* as n").first();
  const waiting = await knex("jobs").where("status", "waiting").count("* as n").first();
  const denied = await knex("permissions").where("allowed", false).count("* as n").first();
  return { open, admins, waiting, denied };
}

/** GET /events.csv: row by row, as the client takes them */
export async function eventLines(knex: Knex): Promise<number> {
  let letters = 0;
  const stream = knex("events").select("id", "kind").orderBy("id").stream();
  for await (const row of stream) letters += (row as { kind: string }).kind.length;
  return letters;
}

/** A worker: takes some jobs at a time until there are none. */
export async function drain(knex: Knex): Promise<number> {
  let done = 0;
  for (;;) {
    const taken = await knex.transaction(async (trx) => {
      const jobs = await trx<{ id: number; status: string }>("jobs")
        .where("status", "waiting")
        .orderBy("id")
        .limit(2)
        .forUpdate()
        .skipLocked();
      const ids = jobs.map(({ id }) => id);
      if (ids.length > 0) await trx("jobs").whereIn("id", ids).update({ status: "done" });
      return ids.length;
    });
    if (taken === 0) return done;
    done += taken;
  }
}
