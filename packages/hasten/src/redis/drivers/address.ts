/** Addresses of a server, as one writes them down. */
import { RedisError } from "../errors.ts";

/** Where a server is, for those who keep it in `REDIS_HOST` and the like. */
export interface RedisAddress {
  readonly host?: string | undefined;
  /** @default 6379 */
  readonly port?: number | string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** @default 0 */
  readonly db?: number | string | undefined;
  /** `true`, or options of `tls.connect`: `{ ca, servername, … }`. */
  readonly tls?: boolean | object | undefined;
}

const PORT_MAX = 65_535;
const DB_MAX = 65_535;

export interface CheckedAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: object | undefined;
}

export function checkedAddress(address: RedisAddress): CheckedAddress {
  const { host = "127.0.0.1", tls } = address;
  if (host === "") throw option("`host` is empty.");
  return {
    host,
    port: whole("port", address.port ?? 6379, 1, PORT_MAX),
    username: address.username || undefined,
    password: address.password || undefined,
    db: whole("db", address.db ?? 0, 0, DB_MAX),
    tls: tls === true ? {} : tls === false ? undefined : tls,
  };
}

/** The parts of a `redis://` or `rediss://` URL. Messages never show it: it may hold a password. */
export function parseRedisUrl(text: string): CheckedAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw option("The URL cannot be read.");
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw option(`The URL begins with ${url.protocol}//.`);
  }
  const db = url.pathname.replace(/^\/+|\/+$/g, "") || (url.searchParams.get("db") ?? "0");
  return checkedAddress({
    host: url.hostname.replace(/^\[|\]$/g, "") || undefined,
    port: url.port || undefined,
    username: decode(url.username),
    password: decode(url.password),
    db,
    tls: url.protocol === "rediss:",
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const whole = (name: string, value: number | string, min: number, max: number): number => {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= min && number <= max) {
    return number;
  }
  throw option(`\`${name}\` is not a whole number from ${min} to ${max}.`);
};

const option = (message: string): RedisError =>
  new RedisError("HST_REDIS_OPTION", message, {
    fix: "Write redis://user:password@host:port/db, rediss:// for TLS, or { host, port, … }.",
  });
