/** What signs tokens and cursors: from the environment, else made once and kept for its owner's eyes only. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Config, CursorKey } from "../config/index.ts";

export interface Secrets {
  readonly jwtSecret: string;
  readonly cursorKeys: readonly CursorKey[];
}

const FILE = "secrets.json";
const SECRET_BYTES = 32;

const kept = z.object({
  jwtSecret: z.string().min(32),
  cursorKeys: z.array(z.object({ id: z.string(), secret: z.string().min(32) })).min(1),
});

export function secretsOf(config: Config): Secrets {
  const { jwtSecret, cursorKeys } = config;
  if (jwtSecret !== undefined && cursorKeys !== undefined) return { jwtSecret, cursorKeys };
  const made = keptSecrets(config.dataDir);
  return { jwtSecret: jwtSecret ?? made.jwtSecret, cursorKeys: cursorKeys ?? made.cursorKeys };
}

function keptSecrets(dataDir: string): Secrets {
  const file = join(dataDir, FILE);
  const found = read(file);
  if (found !== undefined) return found;
  const secrets: Secrets = {
    jwtSecret: newSecret(),
    cursorKeys: [{ id: "1", secret: newSecret() }],
  };
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file, `${JSON.stringify(secrets)}\n`, { mode: 0o600 });
  return secrets;
}

const newSecret = (): string => randomBytes(SECRET_BYTES).toString("base64url");

function read(file: string): Secrets | undefined {
  try {
    return kept.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file} cannot be read as secrets. Remove it and new ones are made.`, {
      cause: error,
    });
  }
}
