// Lists the files of a repository through the hub's library.
import { NishikiError, showText } from "../errors.js";
import { checkCommit, checkFile } from "./check-answer.js";
import type { HubFile } from "./choose-files.js";
import type { HubEnvironment } from "./environment.js";
import { makeFetch } from "./fetch.js";

/** Loaded on demand, so that generation never loads network code. */
const loadLibrary = () => import("@huggingface/hub");

export const hubUrl = "https://huggingface.co";

export function stopped(cause?: unknown): NishikiError {
  const message = "Stopped; partial downloads are kept. Run the same command to resume.";
  return new NishikiError("aborted", message, { cause });
}

/** What a repository's page says of its terms. */
export interface Terms {
  /** The licence's name and address; undefined where the page names none. */
  readonly licence: string | undefined;
  /** Whether its terms must be accepted, with an account, before anything can be downloaded. */
  readonly isGated: boolean;
}

/** Reads the terms; the card's fields can be anything. */
function readTerms(gated: unknown, card: unknown): Terms {
  const { license, license_name, license_link } = (
    typeof card === "object" && card !== null ? card : {}
  ) as Readonly<Record<string, unknown>>;
  const text = (value: unknown) =>
    typeof value === "string" && value.trim() !== "" ? showText(value, { limit: 200 }) : undefined;
  const name = license === "other" ? (text(license_name) ?? "other") : text(license);
  const link = text(license_link);
  return {
    licence: name === undefined ? undefined : link === undefined ? name : `${name} (${link})`,
    isGated: gated === "auto" || gated === "manual" || gated === true,
  };
}

/**
 * Gets the commit that a revision points to, its files, and its terms.
 * @throws NishikiError "file" (network, access, an answer that is not a hub's), "aborted".
 */
export async function listRepository(
  repository: string,
  revision: string,
  { environment, signal }: { readonly environment: HubEnvironment; readonly signal?: AbortSignal },
): Promise<{ readonly commit: string; readonly files: readonly HubFile[]; readonly terms: Terms }> {
  const { endpoint, token } = environment;
  const [{ listFiles, modelInfo }, ask] = await Promise.all([loadLibrary(), makeFetch()]);
  const hub = endpoint ?? hubUrl;
  const access = {
    ...(endpoint && { hubUrl: endpoint }),
    // The library accepts only tokens in the hub's format; mirrors use others.
    fetch: (input: Parameters<typeof fetch>[0], init?: RequestInit) => {
      const headers = new Headers(init?.headers);
      if (token) headers.set("Authorization", `Bearer ${token}`);
      return ask(input, { ...init, headers, ...(signal && { signal }) });
    },
  };
  try {
    const additionalFields = ["sha", "cardData"] as const;
    const info = await modelInfo({
      name: repository,
      revision,
      additionalFields: [...additionalFields],
      ...access,
    });
    const commit = checkCommit(info.sha, hub);
    const files: HubFile[] = [];
    const repo = { type: "model", name: repository } as const;
    for await (const entry of listFiles({ repo, recursive: true, revision: commit, ...access })) {
      const file = entry.type === "file" ? checkFile(entry, hub) : undefined;
      if (file) files.push(file);
    }
    return { commit, files, terms: readTerms(info.gated, info.cardData) };
  } catch (error) {
    if (signal?.aborted) throw stopped(error);
    throw error instanceof NishikiError ? error : await explain(error, repository, revision, environment);
  }
}

/** A page instead of data, such as a network's login page, or data of another form. */
const isOtherAnswer = (error: unknown): boolean =>
  error instanceof SyntaxError || (error instanceof TypeError && error.cause === undefined);

async function explain(
  error: unknown,
  repository: string,
  revision: string,
  { endpoint, token }: HubEnvironment,
): Promise<NishikiError> {
  const { HubApiError } = await loadLibrary();
  const status = error instanceof HubApiError ? error.statusCode : undefined;
  const fail = (sentence: string) => new NishikiError("file", sentence, { cause: error });
  if (status === 401 || status === 403) {
    const [whom, cure] = token
      ? ["this token", "or use a token of an account with access"]
      : ["everyone", "and set HF_TOKEN to a token of your account"];
    return fail(
      `${repository} is not open to ${whom}: accept its terms on its page, ${cure}. A misspelt name gets the same answer.`,
    );
  }
  if (status === 404)
    return fail(`There is no model ${repository} with the revision ${revision}; check the spelling.`);
  if (status !== undefined)
    return fail(`The hub answered ${status} to the request for ${repository}; try again later.`);
  if (isOtherAnswer(error)) {
    return fail(
      `${endpoint ?? hubUrl} answered with something other than the hub's JSON, such as the login page of a network. ` +
        "Open it in a browser, and check HF_ENDPOINT and the proxy if they are set.",
    );
  }
  return fail(
    `The hub cannot be reached (${explainReason(error)}). Check the connection, and HF_ENDPOINT, HTTPS_PROXY and HTTP_PROXY if they are set.`,
  );
}

function explainReason(error: unknown): string {
  const cause = (error as Error).cause;
  const reason =
    cause instanceof Error
      ? cause.message || String((cause as NodeJS.ErrnoException).code)
      : (error as Error).message;
  return showText(reason, { limit: 200 });
}
