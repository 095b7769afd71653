import type { RequestListener } from "node:http";
import type { FrontOptions, ResponseCache } from "../http/index.ts";

/**
 * Answers routes declared `public: true` before Express runs; everything else goes to the app.
 *
 * ```ts
 * http.createServer(front(app, responses)).listen(3000);
 * ```
 * Guards of the application do not run for what it answers: only declare public what is.
 */
export function front(
  app: RequestListener,
  responseCache: ResponseCache,
  options: FrontOptions = {},
): RequestListener {
  return responseCache.front(app, options);
}
