/** A process that knows nothing of hasten: runs what it is sent on a connection of its own. */
import pg from "pg";

const client = new pg.Client({ connectionString: process.env["DATABASE_URL"] });
await client.connect();
process.on("message", (text: string) => {
  client.query(text).then(
    () => process.send!({ done: true }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
process.on("disconnect", () => void client.end());
process.send!({ ready: true });
