/** `npm run user:add -- <email> <role>`: an account in the storage in use, demo or not. */
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { EmbeddedPostgresError } from "hasten-tools/postgres";
import pg from "pg";
import { z } from "zod";
import { hashPassword, PASSWORD_LENGTH_MAX } from "./api/auth/password.ts";
import { ROLES, type Role } from "./api/auth/tokens.ts";
import { ConfigError, loadConfig } from "./config/index.ts";
import { loadEnvFiles } from "./environment.ts";
import { DatabaseMissing, withDatabase } from "./lifecycle/with-database.ts";
import { messageOf } from "./storage/index.ts";

const PASSWORD_LENGTH_MIN = 10;
const GENERATED_BYTES = 15;
const UNIQUE_VIOLATION = "23505";
const USAGE = `Usage: npm run user:add -- <email> <${ROLES.join("|")}>
The password is read from standard input (one line); an empty one is made and shown.`;

/** A mistake of the caller's, told in one sentence. */
class Refused extends Error {}

interface NewUser {
  readonly email: string;
  readonly role: Role;
}

function readArguments(args: readonly string[]): NewUser {
  const [address, roleText] = args;
  const email = z.email().max(320).safeParse(address?.trim().toLowerCase());
  const role = ROLES.find((it) => it === roleText);
  if (args.length !== 2) throw new Refused(USAGE);
  if (!email.success) throw new Refused(`email: got "${address}"; allowed: an e-mail address.`);
  if (role === undefined)
    throw new Refused(`role: got "${roleText}"; allowed: ${ROLES.join(", ")}.`);
  return { email: email.data, role };
}

async function readPassword(): Promise<{ readonly password: string; readonly made: boolean }> {
  const password = process.stdin.isTTY
    ? await askHidden("Password (empty: one is made): ")
    : await firstLine();
  if (password === "")
    return { password: randomBytes(GENERATED_BYTES).toString("base64url"), made: true };
  if (password.length < PASSWORD_LENGTH_MIN || password.length > PASSWORD_LENGTH_MAX)
    throw new Refused(
      `password: got ${password.length} characters; allowed: ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX}.`,
    );
  return { password, made: false };
}

async function firstLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) return line;
  return "";
}

async function askHidden(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(question);
  try {
    return await prompt.question("");
  } finally {
    prompt.close();
    process.stderr.write("\n");
  }
}

async function insertUser(url: string, user: NewUser, hash: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: "metrics-api user:add" });
  await client.connect();
  try {
    const document = { ...user, name: user.email.split("@")[0], active: true, team: null };
    await client.query(
      `with added as (insert into users (document) values ($1) returning id)
       insert into user_credentials (user_id, password_hash) select id, $2 from added`,
      [JSON.stringify(document), hash],
    );
  } catch (error) {
    if ((error as pg.DatabaseError).code !== UNIQUE_VIOLATION) throw error;
    throw new Refused(`email: ${user.email} exists already. Change it through the API.`);
  } finally {
    await client.end();
  }
}

async function addUser(): Promise<void> {
  loadEnvFiles();
  const user = readArguments(process.argv.slice(2));
  const command = loadConfig(process.env);
  if (command.kind === "help") return;
  const { password, made } = await readPassword();
  const hash = await hashPassword(password);
  await withDatabase(command.config, (url) => insertUser(url, user, hash));
  console.log(`${user.email} is added as ${user.role}.${made ? ` Password: ${password}` : ""}`);
}

try {
  await addUser();
} catch (error) {
  const expected =
    error instanceof Refused ||
    error instanceof DatabaseMissing ||
    error instanceof ConfigError ||
    error instanceof EmbeddedPostgresError;
  console.error(expected ? error.message : `The user was not added: ${messageOf(error)}`);
  process.exitCode = 1;
}
