import { sql } from "hasten/postgres";
import type { ApiStorage } from "../deps.ts";
import { tooManyAttempts, unauthorized, unavailable } from "../http/problem.ts";
import { JSON_TYPE, type Route, route } from "../http/route.ts";
import { READ } from "../resources/read-options.ts";
import { credentials, grantedToken } from "../schema/user.ts";
import type { LoginAttempts } from "./attempts.ts";
import { verifyPassword } from "./password.ts";
import type { Identity, Role, Tokens } from "./tokens.ts";

interface Account {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly active: boolean;
  readonly demo: boolean;
  readonly password_hash: string | null;
}

export interface LoginParts {
  readonly storage: ApiStorage;
  readonly tokens: Tokens;
  readonly attempts: LoginAttempts;
}

/** Trades an e-mail address and a password for a token. */
export function loginRoute(parts: LoginParts): Route {
  return route({
    method: "post",
    path: "/api/v1/auth/login",
    summary: "Log in",
    tag: "auth",
    access: "public",
    body: { schema: credentials, types: [JSON_TYPE] },
    replies: {
      200: { description: "A token.", schema: grantedToken },
      401: { description: "Unknown address, wrong password or inactive account." },
      429: { description: "Too many failures for this account from this address." },
    },
    async handle({ body, req }) {
      const subject = `${req.socket.remoteAddress ?? ""} ${body.email}`;
      const attempt = await parts.attempts.run(subject, () =>
        identify(parts.storage, body.email, body.password),
      );
      switch (attempt.kind) {
        case "accepted":
          return {
            headers: { "Cache-Control": "no-store" },
            body: await grant(parts, attempt.value),
          };
        case "rejected":
          throw unauthorized("The e-mail address or the password is wrong.");
        case "refused":
          throw tooManyAttempts(attempt.retryAfterMs);
        case "busy":
          throw unavailable("Too many logins at once.", attempt.retryAfterMs);
        default:
          return attempt satisfies never;
      }
    },
  });
}

async function grant(parts: LoginParts, identity: Identity): Promise<unknown> {
  const { token, expiresInMs } = await parts.tokens.issue(identity);
  return { token, token_type: "Bearer", expires_in: Math.floor(expiresInMs / 1_000) };
}

async function identify(
  storage: ApiStorage,
  email: string,
  password: string,
): Promise<Identity | undefined> {
  const account = await storage.current().queryOne<Account>(
    sql`
      select id, email, role, active, demo, password_hash
      from users left join user_credentials on user_id = id
      where email = ${email}`,
    READ,
  );
  const matches = await verifyPassword(password, account?.password_hash ?? undefined);
  if (!matches || account === undefined || !account.active) return undefined;
  return { id: account.id, email: account.email, role: account.role, demo: account.demo };
}
