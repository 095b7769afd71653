/**
 * Puts fields that are already text into a header that Node has serialised.
 *
 * Node checks and copies each field of a response one by one, which for a cached response is the
 * larger part of the work, and the same each time. So only the fields Node must know (the length,
 * what concerns the connection) go through `writeHead`; the others were checked once, are kept as
 * text, and are put behind the status line of the header Node made.
 *
 * That header is `_header`, a private member that the Express ecosystem reads. Whether it is what we
 * take it for is tried once when this module is loaded; where it is not, `writeHead` gets all fields.
 */
import {
  type IncomingMessage,
  ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";

/** Fields by which Node decides about framing and connection, or that it would add itself. */
const FOR_NODE: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "expect",
  "keep-alive",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

interface WithHeader {
  _header: string | null;
}

/** A flat header array in two: what Node must see, and the rest as text. */
export interface SplitHeader {
  readonly forNode: readonly string[];
  readonly text: string;
}

/** @throws what Node would for a name or value that may not be sent */
export function splitHeader(flat: readonly string[]): SplitHeader {
  const forNode: string[] = [];
  let text = "";
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at]!;
    const value = flat[at + 1]!;
    if (FOR_NODE.has(name.toLowerCase())) forNode.push(name, value);
    else text += fieldText(name, value);
  }
  return { forNode, text };
}

/** One field as it goes over the wire. */
export function fieldText(name: string, value: string): string {
  validateHeaderName(name);
  validateHeaderValue(name, value);
  return `${name}: ${value}\r\n`;
}

/** Sends `writeHead` and adds the text; only where {@link takesText} is true. */
export function writeHeadWithText(
  res: ServerResponse,
  status: number,
  forNode: readonly string[],
  text: string,
): void {
  res.writeHead(status, forNode as string[]);
  const made = res as unknown as WithHeader;
  const header = made._header!;
  const afterStatus = header.indexOf("\r\n") + 2;
  made._header = header.slice(0, afterStatus) + text + header.slice(afterStatus);
}

/** Whether this Node keeps the serialised header as the text it will send. */
export const takesText: boolean = tryHeader();

function tryHeader(): boolean {
  const request = { method: "GET", httpVersionMajor: 1, httpVersionMinor: 1 } as IncomingMessage;
  try {
    const res = new ServerResponse(request);
    res.writeHead(200, ["Content-Length", "0"]);
    const member = Object.getOwnPropertyDescriptor(res, "_header");
    const header: unknown = member?.value;
    return (
      member?.writable === true &&
      typeof header === "string" &&
      header.startsWith("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n") &&
      header.endsWith("\r\n\r\n")
    );
  } catch {
    return false;
  }
}
