/**
 * Stands where the driver has its socket, and answers each statement at once with one row of two
 * columns: what is left is the driver's own work, free of the kernel's and of the server's share of the
 * caches. Messages: PostgreSQL 18, "Message Formats".
 */
import { Duplex } from "node:stream";

const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const column = (name: string, type: number): Buffer =>
  Buffer.concat([text(name), int32(0), int16(0), int32(type), int16(4), int32(-1), int16(0)]);
const value = (of: string): Buffer => Buffer.concat([int32(of.length), Buffer.from(of)]);

const READY = message("Z", Buffer.from("I"));
const SIGNED_IN = Buffer.concat([message("R", int32(0)), message("K", int32(7), int32(8)), READY]);
const ANSWER = Buffer.concat([
  ...[message("1"), message("2")],
  message("T", int16(2), column("id", 23), column("name", 25)),
  message("D", int16(2), value("7"), value("customer 7")),
  ...[message("C", text("SELECT 1")), READY],
]);
const ENDS = "X".charCodeAt(0);

export class AnsweringStream extends Duplex {
  bytesRead = 0;
  #signedIn = false;

  constructor() {
    super({ read() {} });
  }

  connect(): this {
    setImmediate(() => this.emit("connect"));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (chunk[0] === ENDS) {
      this.push(null);
      done();
      return;
    }
    const answer = this.#signedIn ? ANSWER : SIGNED_IN;
    this.#signedIn = true;
    this.bytesRead += answer.length;
    process.nextTick(() => this.push(answer));
    done();
  }

  /** What the driver corked is one statement. */
  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(chunks[0]!.chunk, "", done);
  }
}
