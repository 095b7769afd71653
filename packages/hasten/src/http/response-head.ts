/** The arguments of `ServerResponse.writeHead`: `(status, [reason], [fields])`. */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";

export type HeadFields = OutgoingHttpHeaders | OutgoingHttpHeader[];

export type HeadArguments = readonly [number, ...(string | HeadFields | undefined)[]];

/** True when the call itself carries Content-Encoding. */
export function setsContentEncoding(args: readonly unknown[]): boolean {
  const fields = args.at(-1);
  if (Array.isArray(fields)) {
    for (let at = 0; at < fields.length; at += 2) {
      if (String(fields[at]).toLowerCase() === "content-encoding") return true;
    }
    return false;
  }
  if (typeof fields !== "object" || fields === null) return false;
  return Object.keys(fields).some((name) => name.toLowerCase() === "content-encoding");
}

/** Does what `writeHead` would, short of sending: status, reason and fields are set on `res`. */
export function applyHead(res: ServerResponse, [status, ...rest]: HeadArguments): void {
  res.statusCode = status;
  const reason = rest[0];
  if (typeof reason === "string") res.statusMessage = reason;
  const fields = rest.at(-1);
  if (typeof fields !== "object") return;
  if (Array.isArray(fields)) applyList(res, fields);
  else applyRecord(res, fields);
}

function applyRecord(res: ServerResponse, fields: OutgoingHttpHeaders): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) res.setHeader(name, value);
  }
}

/** A flat list replaces earlier fields of the same names and may repeat its own. */
function applyList(res: ServerResponse, fields: readonly OutgoingHttpHeader[]): void {
  for (let at = 0; at < fields.length; at += 2) res.removeHeader(String(fields[at]));
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const value = fields[at + 1];
    res.appendHeader(String(fields[at]), typeof value === "number" ? String(value) : (value ?? ""));
  }
}
