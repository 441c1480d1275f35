// Makes requests to the hub: directly, or through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY
// specify, which Node's fetch ignores unless the process was started with support for it.

export type Fetch = typeof fetch;

type Variables = Readonly<Record<string, string | undefined>>;

const either = (variables: Variables, name: string): string | undefined =>
  variables[name.toLowerCase()] || variables[name] || undefined;

/** Gets the proxies from the environment, by protocol; undefined if it names none. */
export function getProxies(variables: Variables = process.env) {
  const [httpProxy, httpsProxy] = [either(variables, "HTTP_PROXY"), either(variables, "HTTPS_PROXY")];
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
