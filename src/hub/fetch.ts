// Makes requests to the hub: directly, or through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY
// specify, which Node's fetch ignores unless the process was started with support for it.

import { NishikiError, quote } from "../errors.js";

export type Fetch = typeof fetch;

type Variables = Readonly<Record<string, string | undefined>>;

const either = (variables: Variables, name: string): string | undefined =>
  variables[name.toLowerCase()] || variables[name] || undefined;

/** A proxy's address as a URL; as other programs, it takes "host:3128" without a protocol for HTTP. */
function getProxy(variables: Variables, name: string): string | undefined {
  const value = either(variables, name);
  if (value === undefined) return undefined;
  const url = /^\w+:\/\//.test(value) ? value : `http://${value}`;
  if (/^https?:/i.test(url) && URL.canParse(url)) return url;
  const shown = quote(value.replace(/\/\/[^@]*@/, "//…@")); // without a password
  throw new NishikiError("usage", `${name}: expected a proxy such as http://host:3128, got ${shown}.`);
}

/**
 * Gets the proxies from the environment, by protocol; undefined if it names none.
 * @throws NishikiError "usage" for a value that is no address of an HTTP proxy
 */
export function getProxies(variables: Variables = process.env) {
  const [httpProxy, httpsProxy] = [getProxy(variables, "HTTP_PROXY"), getProxy(variables, "HTTPS_PROXY")];
  if (!httpProxy && !httpsProxy) return undefined;
  const noProxy = either(variables, "NO_PROXY");
  return { ...(httpProxy && { httpProxy }), ...(httpsProxy && { httpsProxy }), ...(noProxy && { noProxy }) };
}

/** Makes the fetch function for these variables. */
export async function makeFetch(variables: Variables = process.env): Promise<Fetch> {
  const proxies = getProxies(variables);
  if (!proxies) return fetch;
  const undici = await import("undici");
  const dispatcher = new undici.EnvHttpProxyAgent(proxies);
  // The library declares its own request types, with the same meaning.
  return ((input: string, init?: object) => undici.fetch(input, { ...init, dispatcher })) as unknown as Fetch;
}
