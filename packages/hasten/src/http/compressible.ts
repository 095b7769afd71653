/** Whether compressing a media type is worth it. Unknown types are left alone. */

/** Media types outside `text/*`, `*+json`, `*+xml` and `*+text` that compress well. */
const COMPRESSIBLE: ReadonlySet<string> = new Set([
  "application/ecmascript",
  "application/geo+json-seq",
  "application/graphql",
  "application/javascript",
  "application/json",
  "application/json-seq",
  "application/ld+json",
  "application/manifest+json",
  "application/ndjson",
  "application/rtf",
  "application/toml",
  "application/vnd.ms-fontobject",
  "application/wasm",
  "application/x-javascript",
  "application/x-ndjson",
  "application/x-sh",
  "application/x-www-form-urlencoded",
  "application/x-yaml",
  "application/xml",
  "application/yaml",
  "font/otf",
  "font/ttf",
  "image/bmp",
  "image/vnd.microsoft.icon",
  "image/x-icon",
]);

/** The media type of a Content-Type, lower-case, without parameters; undefined when there is none. */
export function mediaType(contentType: string | undefined): string | undefined {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "" ? undefined : type;
}

/** True for text, JSON, XML, scripts, WebAssembly and uncompressed fonts. */
export function isCompressible(contentType: string | undefined): boolean {
  const type = mediaType(contentType);
  if (type === undefined) return false;
  if (COMPRESSIBLE.has(type) || /\+(?:json|xml|text|yaml)$/.test(type)) return true;
  return type.startsWith("text/") && type !== EVENT_STREAM;
}

/** Events must leave at once: a compressor that waits for more would hold them back. */
export function isEventStream(contentType: string | undefined): boolean {
  return mediaType(contentType) === EVENT_STREAM;
}

const EVENT_STREAM = "text/event-stream";
