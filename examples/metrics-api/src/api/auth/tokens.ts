import { jwtVerify, SignJWT } from "jose";

export const ROLES = ["viewer", "editor", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Who a request speaks for, as its token says. Verifying it needs no database. */
export interface Identity {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  /** One of the demo's accounts, whose password everyone knows. */
  readonly demo?: boolean;
}

export interface Tokens {
  issue(identity: Identity): Promise<{ readonly token: string; readonly expiresInMs: number }>;
  /** The identity of a token seen before and still valid: synchronous, one map look-up. */
  known(token: string): Identity | undefined;
  /** Checks signature, issuer and expiry; remembers the result until the token expires. */
  verify(token: string): Promise<Identity | undefined>;
}

export interface TokenOptions {
  /** HS256 secret, at least 32 bytes. */
  readonly secret: string;
  /** @default 3_600_000 */
  readonly ttlMs?: number;
  /** Verified tokens kept; at the limit the oldest is forgotten and verified again. @default 10_000 */
  readonly rememberedMax?: number;
  /**
   * Whether demo accounts exist in the storage now in use: their tokens are worth nothing
   * elsewhere. @default () => true
   */
  readonly demoExists?: () => boolean;
  /** Milliseconds since 1970. @default Date.now */
  readonly nowMs?: () => number;
}

const ISSUER = "metrics-api";
/** Longer tokens are refused unread: ours are about 300 characters. */
const TOKEN_LENGTH_MAX = 2_048;

interface Remembered {
  readonly identity: Identity;
  readonly expiresAtMs: number;
}

export function createTokens(options: TokenOptions): Tokens {
  const { secret, ttlMs = 3_600_000, rememberedMax = 10_000, nowMs = Date.now } = options;
  const { demoExists = () => true } = options;
  const key = new TextEncoder().encode(secret);
  if (key.length < 32) throw new RangeError("jwtSecret must be at least 32 bytes long.");
  const remembered = new Map<string, Remembered>();

  const accepted = (identity: Identity): Identity | undefined =>
    identity.demo === true && !demoExists() ? undefined : identity;
  const remember = (token: string, entry: Remembered): void => {
    if (remembered.size >= rememberedMax) remembered.delete(remembered.keys().next().value!);
    remembered.set(token, entry);
  };

  return {
    async issue(identity) {
      const issuedAt = Math.floor(nowMs() / 1_000);
      const { email, role, demo } = identity;
      const token = await new SignJWT({ email, role, ...(demo === true && { demo }) })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setSubject(identity.id)
        .setIssuer(ISSUER)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + Math.floor(ttlMs / 1_000))
        .sign(key);
      return { token, expiresInMs: ttlMs };
    },
    known(token) {
      const entry = remembered.get(token);
      if (entry === undefined) return undefined;
      if (entry.expiresAtMs > nowMs()) return accepted(entry.identity);
      remembered.delete(token);
      return undefined;
    },
    async verify(token) {
      if (token.length > TOKEN_LENGTH_MAX) return undefined;
      const entry = await check(token, key, nowMs());
      if (entry !== undefined) remember(token, entry);
      return entry && accepted(entry.identity);
    },
  };
}

async function check(
  token: string,
  key: Uint8Array,
  nowMs: number,
): Promise<Remembered | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["HS256"],
      issuer: ISSUER,
      requiredClaims: ["sub", "exp", "email", "role"],
      currentDate: new Date(nowMs),
    });
    const email = payload["email"];
    const role = ROLES.find((known) => known === payload["role"]);
    if (typeof email !== "string" || role === undefined) return undefined;
    const demo = payload["demo"] === true;
    const identity = { id: payload.sub!, email, role, ...(demo && { demo }) };
    return { identity, expiresAtMs: payload.exp! * 1_000 };
  } catch {
    return undefined;
  }
}
