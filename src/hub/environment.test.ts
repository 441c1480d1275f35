import { expect, it } from "vitest";
import { readHubEnvironment } from "./environment.js";
import { getProxies } from "./fetch.js";

it("reads proxies with or without a protocol, and refuses what is none without showing passwords", () => {
  expect(getProxies({})).toBeUndefined();
  expect(getProxies({ HTTPS_PROXY: "proxy:3128", http_proxy: "http://a:b@host:1/" })).toEqual({
    httpsProxy: "http://proxy:3128",
    httpProxy: "http://a:b@host:1/",
  });
  expect(() => getProxies({ HTTPS_PROXY: "http://a b:x" })).toThrow(/^HTTPS_PROXY: expected a proxy such as/);
  expect(() => getProxies({ HTTP_PROXY: "socks5://me:secret@host:1" })).toThrow('got "socks5://…@host:1"');
});

it("refuses an endpoint that is no address", async () => {
  const HF_HUB_CACHE = "/nowhere";
  expect(await readHubEnvironment({ HF_ENDPOINT: "https://a.example//", HF_HUB_CACHE })).toMatchObject({
    endpoint: "https://a.example",
  });
  await expect(readHubEnvironment({ HF_ENDPOINT: "mirror" })).rejects.toThrow(
    'HF_ENDPOINT: expected an address such as https://host, got "mirror".',
  );
});
