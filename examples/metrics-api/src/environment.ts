import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Adds what `.env` files say and the environment does not. */
export function loadEnvFiles(): void {
  for (const path of ["../.env", "../../../.env"]) {
    const file = fileURLToPath(new URL(path, import.meta.url));
    if (existsSync(file)) process.loadEnvFile(file);
  }
}
