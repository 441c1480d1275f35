// How the hub is asked: directly, or through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, which Node's own fetch leaves
// aside unless the process was started for it.

export type Fetch = typeof fetch;

type Variables = Readonly<Record<string, string | undefined>>;

const either = (variables: Variables, name: string): string | undefined =>
  variables[name.toLowerCase()] || variables[name] || undefined;

/** The proxies that the environment names, by the kind of address; undefined where it names none. */
export function getProxies(variables: Variables = process.env) {
  const [httpProxy, httpsProxy] = [either(variables, "HTTP_PROXY"), either(variables, "HTTPS_PROXY")];
  if (!httpProxy && !httpsProxy) return undefined;
  const noProxy = either(variables, "NO_PROXY");
  return { ...(httpProxy && { httpProxy }), ...(httpsProxy && { httpsProxy }), ...(noProxy && { noProxy }) };
}

/** The fetch to use with these variables. */
export async function makeFetch(variables: Variables = process.env): Promise<Fetch> {
  const proxies = getProxies(variables);
  if (!proxies) return fetch;
  const undici = await import("undici");
  const dispatcher = new undici.EnvHttpProxyAgent(proxies);
  // The library's types of requests are its own; they say the same.
  return ((input: string, init?: object) => undici.fetch(input, { ...init, dispatcher })) as unknown as Fetch;
}
