import type { RequestHandler } from "express";
import { type CompressionOptions, createResponseCompression } from "../http/index.ts";

/** Compresses answers that no cache holds. Mount it before the routes. */
export function compression(options: CompressionOptions = {}): RequestHandler {
  const responses = createResponseCompression(options);
  return (req, res, next) => {
    responses.attach(req, res);
    next();
  };
}
