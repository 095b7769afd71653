import type { Request, RequestHandler } from "express";
import { forbidden, unauthorized } from "../http/problem.ts";
import type { Identity, Role, Tokens } from "./tokens.ts";

/** The name and members that the response cache looks for in `scope: "user"` and `"role"`. */
interface IdentifiedRequest extends Request {
  user?: Identity;
}

/** Who the request speaks for; undefined before `authenticate` and on public routes. */
export const identityOf = (req: Request): Identity | undefined => (req as IdentifiedRequest).user;

const RANK: Readonly<Record<Role, number>> = { viewer: 0, editor: 1, admin: 2 };

/**
 * Lets through only requests with a valid bearer token (RFC 6750) of at least the given role.
 * A token seen before is accepted without cryptography, so that a cached answer stays cheap.
 */
export function authenticate(tokens: Tokens, minimum: Role): RequestHandler {
  const admit = (req: Request, identity: Identity): void => {
    if (RANK[identity.role] < RANK[minimum]) throw forbidden(minimum);
    (req as IdentifiedRequest).user = identity;
  };
  return (req, _res, next) => {
    const token = bearerToken(req.headers.authorization);
    const known = tokens.known(token);
    if (known !== undefined) {
      admit(req, known);
      next();
      return undefined;
    }
    return tokens.verify(token).then((identity) => {
      if (identity === undefined) {
        throw unauthorized("The token is not valid or has expired.", "invalid_token");
      }
      admit(req, identity);
      next();
    });
  };
}

const SCHEME = "bearer ";

function bearerToken(header: string | undefined): string {
  if (header === undefined) throw unauthorized("Send `Authorization: Bearer <token>`.");
  if (header.slice(0, SCHEME.length).toLowerCase() !== SCHEME) {
    throw unauthorized("The authorization scheme must be Bearer.");
  }
  return header.slice(SCHEME.length).trim();
}
