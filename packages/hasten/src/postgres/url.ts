import { optionInvalid } from "./errors.ts";

/** The parts of a connection URL that hasten understands. */
export interface UrlParts {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  readonly ssl?: boolean | { readonly rejectUnauthorized: false };
  readonly applicationName?: string;
  readonly options?: string;
}

const SSL_MODES: Readonly<Record<string, UrlParts["ssl"]>> = {
  disable: false,
  "no-verify": { rejectUnauthorized: false },
  require: true,
  "verify-ca": true,
  "verify-full": true,
};

/** A password with a bare # or / is the usual reason. */
const URL_FORM =
  "postgres://user:password@host:5432/database with % # / ? @ and : in its parts percent-encoded";

/**
 * Takes a `postgres:` URL apart. `sslmode=require` verifies the certificate, as the driver does.
 * @throws HST_PG_OPTION, never quoting the URL: it may hold a password.
 */
export function parseUrl(text: string): UrlParts {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "postgres:" && url.protocol !== "postgresql:"))
    throw optionInvalid("url", URL_FORM, text);
  const parts: Record<string, unknown> = {};
  const put = (name: string, value: string) => {
    if (value !== "") parts[name] = decode(value);
  };
  put("host", url.hostname.replace(/^\[(.*)\]$/, "$1"));
  put("user", url.username);
  put("password", url.password);
  put("database", url.pathname.slice(1));
  if (url.port !== "") parts["port"] = Number(url.port);
  for (const [name, value] of url.searchParams) parameter(parts, name, value);
  return parts;
}

function parameter(parts: Record<string, unknown>, name: string, value: string): void {
  if (name === "sslmode") {
    if (!Object.hasOwn(SSL_MODES, value))
      throw optionInvalid("url's sslmode", `one of ${Object.keys(SSL_MODES).join(", ")}`, value);
    parts["ssl"] = SSL_MODES[value];
  } else if (name === "application_name") parts["applicationName"] = value;
  else if (name === "host" || name === "options") parts[name] = value;
  else
    throw optionInvalid(
      "url's parameters",
      "among sslmode, application_name, host, options (pass the rest as options)",
      name,
    );
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw optionInvalid("url", URL_FORM, value);
  }
}
