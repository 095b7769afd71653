import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Another process that writes to the database. */
export interface Stranger extends AsyncDisposable {
  /** Resolves once the server acknowledged it. */
  run(text: string): Promise<void>;
}

export async function startStranger(url: string): Promise<Stranger> {
  const child = fork(fileURLToPath(new URL("stranger-process.ts", import.meta.url)), {
    env: { ...process.env, DATABASE_URL: url },
  });
  const ended = once(child, "exit");
  await once(child, "message");
  return {
    async run(text) {
      const answer = once(child, "message") as Promise<[{ error?: string }]>;
      child.send(text);
      const [{ error }] = await answer;
      if (error !== undefined) throw new Error(`${text}: ${error}`);
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await ended;
    },
  };
}
