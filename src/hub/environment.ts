// The hub's settings in the environment, by the names of Python's huggingface_hub.
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { expandHome } from "../checkpoint/node.js";
import { NishikiError, quote } from "../errors.js";

export interface HubEnvironment {
  /** The hub's address if it is not the default: HF_ENDPOINT. */
  readonly endpoint: string | undefined;
  /** HF_TOKEN, or the file that a login saved: HF_TOKEN_PATH, else `token` in HF_HOME. */
  readonly token: string | undefined;
  /** Folder of the cache: HF_HUB_CACHE, else `hub` in HF_HOME. */
  readonly cache: string;
  /** HF_HUB_OFFLINE: no requests. */
  readonly offline: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

const isOn = (value: string | undefined) => /^(1|on|yes|true)$/i.test(value ?? "");

function getHome(variables: Variables): string {
  const caches = variables.XDG_CACHE_HOME || join(homedir(), ".cache");
  return expandHome(variables.HF_HOME || join(caches, "huggingface"));
}

/** Gets the folder of the cache. */
export function getHubCache(variables: Variables = process.env): string {
  const named = variables.HF_HUB_CACHE || variables.HUGGINGFACE_HUB_CACHE;
  return expandHome(named || join(getHome(variables), "hub"));
}

/** @throws NishikiError "usage" where HF_ENDPOINT is no web address */
function getEndpoint({ HF_ENDPOINT: value }: Variables): string | undefined {
  if (!value) return undefined;
  if (/^https?:\/\//i.test(value) && URL.canParse(value)) return value.replace(/\/+$/, "");
  throw new NishikiError(
    "usage",
    `HF_ENDPOINT: expected an address such as https://host, got ${quote(value)}.`,
  );
}

/** @throws NishikiError "usage" for a variable that cannot be right */
export async function readHubEnvironment(variables: Variables = process.env): Promise<HubEnvironment> {
  const path = expandHome(variables.HF_TOKEN_PATH || join(getHome(variables), "token"));
  const variableToken = variables.HF_TOKEN || variables.HUGGING_FACE_HUB_TOKEN;
  const token = variableToken || (await readFile(path, "utf8").catch(() => ""));
  return {
    endpoint: getEndpoint(variables),
    token: token.trim() || undefined,
    cache: getHubCache(variables),
    offline: isOn(variables.HF_HUB_OFFLINE),
  };
}
