/** Something the person at the terminal can act on: shown without a stack trace. */
export class EmbeddedPostgresError extends Error {
  readonly code: "platform" | "user" | "home" | "in-use" | "init" | "start" | "stop";

  constructor(code: EmbeddedPostgresError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EmbeddedPostgresError";
    this.code = code;
  }
}
