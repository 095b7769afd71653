import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { bodyTooLarge, malformedJson, unsupportedMediaType } from "./problem.ts";

/** Largest body accepted: 1 MiB. */
export const BODY_BYTES_MAX = 1_048_576;

/** Parses a JSON body of one of the given media types; anything else is a precise problem. */
export function jsonBody(
  types: readonly string[],
): readonly (RequestHandler | ErrorRequestHandler)[] {
  const parse = express.json({
    limit: BODY_BYTES_MAX,
    type: () => true,
    strict: false,
    inflate: false,
  });
  const checkType: RequestHandler = (req, _res, next) => {
    const given = (req.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
    if (!types.includes(given)) throw unsupportedMediaType(types);
    if (req.headers["content-length"] === "0") throw malformedJson("The body is empty.");
    next();
  };
  const translate: ErrorRequestHandler = (error: { type?: unknown }, _req, _res, next) => {
    next(bodyProblem(error, types));
  };
  return [checkType, parse, translate];
}

/** The parser's errors carry a `type`; its messages quote the input and are not passed on. */
function bodyProblem(error: { type?: unknown }, types: readonly string[]): unknown {
  switch (error.type) {
    case "entity.too.large":
      return bodyTooLarge(BODY_BYTES_MAX);
    case "entity.parse.failed":
      return malformedJson("The body is not valid JSON.");
    case "request.size.invalid":
      return malformedJson("The body is not as long as Content-Length says.");
    case "encoding.unsupported":
    case "charset.unsupported":
      return unsupportedMediaType(types);
    default:
      return error;
  }
}
