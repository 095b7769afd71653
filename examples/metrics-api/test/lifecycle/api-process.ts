/** The API as a person starts it, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const started = new Set<ChildProcess>();

export interface ApiProcess {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when the output matches. Rejects when the process ends before, or after `limitMs`. */
  printed(pattern: RegExp, limitMs?: number): Promise<RegExpMatchArray>;
  /** The base URL, once it is ready. */
  ready(): Promise<string>;
  /** Sends a signal and resolves with exit code and time taken. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly tookMs: number }>;
}

export function startApi(env: Record<string, string>, args: readonly string[] = []): ApiProcess {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, ["--conditions=hasten-source", MAIN, ...args], {
    env: { PATH, HOME, PORT: "0", SEED_ROWS: "300", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.add(child);
  child.once("exit", () => started.delete(child));
  let text = "";
  const listeners = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    text += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  child.once("close", () => {
    for (const listener of listeners) listener();
  });

  const printed = (pattern: RegExp, limitMs = 60_000): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const done = (act: () => void): void => {
        listeners.delete(check);
        clearTimeout(limit);
        act();
      };
      const check = (): void => {
        const match = text.match(pattern);
        if (match !== null) done(() => resolve(match));
        else if (child.exitCode !== null)
          done(() =>
            reject(new Error(`it ended with ${child.exitCode} before ${pattern}:\n${text}`)),
          );
      };
      const limit = setTimeout(
        () => done(() => reject(new Error(`no ${pattern} within ${limitMs} ms:\n${text}`))),
        limitMs,
      );
      listeners.add(check);
      check();
    });

  return {
    child,
    output: () => text,
    printed,
    ready: async () => (await printed(/health {7}(http:\S+)\/healthz/))[1]!,
    async end(signal) {
      const startedMs = performance.now();
      child.kill(signal);
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      return { code: child.exitCode, tookMs: performance.now() - startedMs };
    },
  };
}

/** For `afterEach`: what a failed test left running. */
export function killStarted(): void {
  for (const child of started) child.kill("SIGKILL");
}

export function dataDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "metrics-api-test-"));
  // Passable for the user that root runs the server as, so that everything stays in here.
  chmodSync(path, 0o755);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = 8_000,
): Promise<boolean> {
  for (const endMs = Date.now() + limitMs; Date.now() < endMs; ) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return condition();
}
