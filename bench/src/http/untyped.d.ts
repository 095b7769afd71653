/** Peers without types of their own: only what the subjects call. */
declare module "apicache" {
  import type { RequestHandler } from "express";

  const apicache: { middleware(duration: string): RequestHandler };
  export default apicache;
}
declare module "compression" {
  import type { RequestHandler } from "express";
  export default function compression(): RequestHandler;
}
declare module "route-cache" {
  import type { RequestHandler } from "express";

  const routeCache: { cacheSeconds(seconds: number): RequestHandler };
  export default routeCache;
}
