import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Express, Response } from "express";

/** The assets of swagger-ui-dist that the page needs: nothing else is served. */
const ASSETS: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

/** Everything comes from this server; Swagger UI sets inline styles and shows data: images. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Metrics API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

/** Light or dark as the reader's system is, also when that changes. */
const START = `const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#ui",
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
});
`;

/** Serves the document at `/openapi.json` and a page to try it at `/docs`, without any CDN. */
export function mountDocs(app: Express, document: unknown): void {
  const json = JSON.stringify(document);
  const directory = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  app.get("/openapi.json", (_req, res) => {
    res.type("application/json").set("Cache-Control", "public, max-age=60").send(json);
  });
  app.get("/docs", (_req, res) => {
    res.set("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    sendText(res, "text/html; charset=utf-8", PAGE);
  });
  app.get("/docs/start.js", (_req, res) => sendText(res, "text/javascript; charset=utf-8", START));
  for (const [name, type] of Object.entries(ASSETS)) {
    app.get(`/docs/${name}`, async (_req, res) => {
      res.set("Cache-Control", "public, max-age=3600").type(type);
      res.send(await readFile(join(directory, name)));
    });
  }
}

function sendText(res: Response, type: string, text: string): void {
  res.type(type).set("Cache-Control", "public, max-age=60").send(text);
}
