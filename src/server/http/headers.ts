// Headers of every answer: what browsers may do with it.
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./environment.js";

/** Scripts and styles come from files of the page alone; WebAssembly runs models in the browser. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self' blob: data:",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A page that brings its styles and images along, and runs nothing. */
export const reportPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox";

const unusedFeatures = [
  "accelerometer",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "microphone",
  "midi",
  "payment",
  "usb",
];

const headers: readonly (readonly [string, string])[] = [
  ["Content-Security-Policy", contentSecurityPolicy],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  // Together with the one above: threads of WebAssembly need both.
  ["Cross-Origin-Embedder-Policy", "require-corp"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Permissions-Policy", unusedFeatures.map((name) => `${name}=()`).join(", ")],
  // Not "no-referrer": with it, some browsers send forms and scripts of the page itself with the origin null.
  ["Referrer-Policy", "same-origin"],
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
];

/** Adds the headers to every answer, errors included. */
export const secureHeaders: MiddlewareHandler<HttpEnv> = async (c, next) => {
  await next();
  // Only a handler of ours can have set a policy: one for a page that is stricter in all but its styles.
  const policy = c.res.headers.get("Content-Security-Policy");
  for (const [name, value] of headers) c.res.headers.set(name, value);
  if (policy === reportPolicy) c.res.headers.set("Content-Security-Policy", policy);
  if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
};
