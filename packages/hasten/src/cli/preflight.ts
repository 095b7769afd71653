import { preflight, preflightReport } from "../postgres/index.ts";
import { type Asked, EXIT, type Output } from "./contract.ts";

export async function preflightCommand(asked: Asked, output: Output): Promise<number> {
  const { url, directUrl, publication, json } = asked;
  const result = await preflight({ url, directUrl, publication });
  output.out(json ? `${JSON.stringify(result, nullFor, 2)}\n` : preflightReport(result));
  return result.promise === "stream" ? EXIT.fine : EXIT.notReady;
}

/** What is not known is there in JSON too. */
const nullFor = (_name: string, value: unknown): unknown => (value === undefined ? null : value);
