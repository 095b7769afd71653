/** A throw-away certificate authority and a certificate of it for `localhost` and 127.0.0.1. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onPath } from "./binaries.ts";

export interface Certificates {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** PEM of the authority, for clients. */
  readonly ca: string;
}

const DAYS = "2";

/** Needs `openssl` on PATH. */
export function makeCertificates(folder: string): Certificates {
  const openssl = onPath("openssl");
  if (openssl === undefined) {
    throw new Error(
      "TLS needs `openssl` on PATH. Install it, for example `apt-get install openssl`.",
    );
  }
  const path = (name: string): string => join(folder, name);
  const run = (args: readonly string[]): void =>
    void execFileSync(openssl, args, { stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  run([
    ...["req", "-x509", "-days", DAYS, "-subj", "/CN=hasten test authority", ...newKey],
    ...["-keyout", path("ca.key"), "-out", path("ca.crt")],
  ]);
  run([
    ...["req", "-subj", "/CN=localhost", ...newKey],
    ...["-keyout", path("server.key"), "-out", path("server.csr")],
  ]);
  writeFileSync(path("san.cnf"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  run([
    ...["x509", "-req", "-days", DAYS, "-in", path("server.csr"), "-extfile", path("san.cnf")],
    ...["-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial"],
    ...["-out", path("server.crt")],
  ]);
  return {
    certFile: path("server.crt"),
    keyFile: path("server.key"),
    caFile: path("ca.crt"),
    ca: readFileSync(path("ca.crt"), "utf8"),
  };
}
