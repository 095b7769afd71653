import type { RequestHandler } from "express";
import {
  type CompressionOptions,
  createResponseCompression,
  patchRemovably,
} from "../http/index.ts";

/** Compresses answers that no cache holds; hits of `cached` step past it. Mount it before the routes. */
export function compression(options: CompressionOptions = {}): RequestHandler {
  const responses = createResponseCompression(options);
  return (req, res, next) => {
    patchRemovably(res, () => responses.attach(req, res));
    next();
  };
}
