import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { DoctorError } from "../errors.ts";
import type { Environment } from "./types.ts";

/** libpq's meanings. */
export const SSL_MODES = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
] as const;
export type SslMode = (typeof SSL_MODES)[number];

export interface Tls {
  readonly mode: SslMode;
  /** Files; "system" as root certificate means the authorities that Node trusts. */
  readonly rootCertificate: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** From the URL's parameters, then PGSSL*, then libpq's files in ~/.postgresql. */
export function tlsFrom(parameters: Readonly<Record<string, string>>, env: Environment): Tls {
  const text = parameters["sslmode"] ?? env["PGSSLMODE"] ?? "prefer";
  const mode = SSL_MODES.find((it) => it === text);
  if (mode === undefined)
    throw new DoctorError("HST_DOCTOR_OPTION", {
      message: "sslmode is none of those that libpq knows.",
      fix: `Set it to one of ${SSL_MODES.join(", ")}.`,
    });
  const file = (name: string, usual: string): string | undefined => {
    const given = parameters[name] ?? env[`PG${name.toUpperCase()}`];
    if (given !== undefined && given !== "") return given;
    const path = join(env["HOME"] ?? homedir(), ".postgresql", usual);
    return existsSync(path) ? path : undefined;
  };
  return {
    mode,
    rootCertificate: file("sslrootcert", "root.crt"),
    certificate: file("sslcert", "postgresql.crt"),
    key: file("sslkey", "postgresql.key"),
  };
}

/** What to try, in order: `false` is no encryption. */
export function attemptsOf(tls: Tls): readonly (ConnectionOptions | false)[] {
  if (tls.mode === "disable") return [false];
  if (tls.mode === "allow") return [false, encryption(tls)];
  return tls.mode === "prefer" ? [encryption(tls), false] : [encryption(tls)];
}

function encryption(tls: Tls): ConnectionOptions {
  const { mode, rootCertificate } = tls;
  // As libpq: a root certificate that is there turns `require` into `verify-ca`.
  const verifies =
    mode.startsWith("verify-") || (mode === "require" && rootCertificate !== undefined);
  if (mode.startsWith("verify-") && rootCertificate === undefined) throw noRoot();
  const system = rootCertificate === "system";
  return {
    rejectUnauthorized: verifies,
    ...(verifies && !system && rootCertificate !== undefined && { ca: read(rootCertificate) }),
    ...(verifies && mode !== "verify-full" && !system && { checkServerIdentity: () => undefined }),
    ...(tls.certificate !== undefined &&
      tls.key !== undefined && { cert: read(tls.certificate), key: read(tls.key) }),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new DoctorError(
      "HST_DOCTOR_OPTION",
      {
        message: "A certificate or key file for the connection cannot be read.",
        fix: "Check sslrootcert, sslcert, sslkey (PGSSLROOTCERT, PGSSLCERT, PGSSLKEY) and ~/.postgresql.",
      },
      { cause },
    );
  }
}

const noRoot = (): DoctorError =>
  new DoctorError("HST_DOCTOR_OPTION", {
    message: "sslmode verify-ca and verify-full need a root certificate, and there is none.",
    fix: "Set sslrootcert (PGSSLROOTCERT) to its file, or to system for the authorities that Node trusts.",
  });
