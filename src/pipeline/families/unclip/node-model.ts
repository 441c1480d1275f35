// What all unCLIP models have in common when they are loaded (node).
import { makeEngine } from "../../../engine/node.js";
import type { ClipTextConfig } from "../../../models/index.js";
import type { ClipTokenizer } from "../../../tokenizer/index.js";
import { checkAborted, type Watch } from "../../cancel.js";
import type { ImageSettings } from "../../image-request.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { readEnvironment } from "../../node-environment.js";
import { type AddedFiles, hashFiles, recordLoad } from "../../node-load-record.js";
import type { PipelineParts } from "../../pipeline.js";
import type { Model } from "../../plan.js";
import type { Environment } from "../../receipt.js";
import type { RequestContext } from "../../request-context.js";
import type { Runtime } from "../../runtime.js";
import { getBudget, SessionPool } from "../../session-pool.js";
import type { NetworkWork } from "../../work.js";
import type { OpenedModel } from "../node-family.js";
import { checkRecipes, openRecipes } from "../node-recipes.js";
import type { NetworkKey, Networks } from "./networks.js";
import { makeRecipe, type NetworkSources, sumStored } from "./node-networks.js";
import type { StoredBytes } from "./prior-work.js";
import { countTokens, type TextEncoder } from "./text.js";

/** A model with its configs read. */
export interface ModelSource {
  readonly context: RequestContext;
  /** All files that affect pixels, by their names in receipts. */
  readonly files: ReadonlyMap<string, string>;
  readonly networks: NetworkSources;
  /** Files from elsewhere. */
  readonly added?: Pick<AddedFiles, "imageEncoder">;
  readonly text: ClipTextConfig;
  loadTokenizer(): Promise<ClipTokenizer>;
  make(text: TextEncoder, open: (watch: Watch) => Networks): Model;
  /** What an image costs; with the bytes of weights that stay in their files. */
  getWork(settings: ImageSettings, stored: StoredBytes): readonly NetworkWork[];
  readonly options: CompleteLoadOptions;
}

/** Opens a model: what a request is checked against, and how to load it. */
export function openModelFiles(source: ModelSource): OpenedModel {
  getBudget(source.options, "cpu"); // rejects contradictory options
  let text: Promise<TextEncoder> | undefined;
  const getText = () => {
    text ??= source.loadTokenizer().then((tokenizer) => ({ config: source.text, tokenizer }));
    return text;
  };
  return {
    context: source.context,
    countTokens: async (prompt) => countTokens(await getText(), prompt),
    getWork: async (settings) => {
      const { device } = source.options;
      const isCpu = device === "auto" || device === "cpu";
      return source.getWork(settings, isCpu ? sumStored(source.networks) : new Map());
    },
    load: async (runtime = {}) => load(source, await getText(), runtime),
  };
}

async function load(source: ModelSource, text: TextEncoder, runtime: Runtime): Promise<PipelineParts> {
  const { options, networks } = source;
  const getRecipe = (key: NetworkKey) => makeRecipe(networks, key);
  checkRecipes(networks.name, networks.keys.map(getRecipe));
  checkAborted(runtime.signal);
  const engine = makeEngine({ device: options.device, threads: options.threads });
  const pool = runtime.sessions ?? new SessionPool({ budget: getBudget(options, engine.device) });
  const sessions = pool.forModel();
  const stop = new AbortController();
  const environment = hashAll(source, stop.signal).then((all) =>
    readEnvironment(engine.device, all, { usualSizes: true }),
  );
  environment.catch(() => {}); // reported where a receipt waits for it
  const close = async () => {
    stop.abort();
    await environment.catch(() => {});
    // Closing the engine first waits for the current run and prevents further ones.
    await engine.close();
    await sessions.close();
  };
  const model = source.make(text, (watch) => openRecipes(getRecipe, engine, sessions, watch));
  return { model, environment, sessions: pool, close };
}

/** Hashes everything that was loaded, alongside the first steps. */
async function hashAll(
  { files, options, added }: ModelSource,
  signal: AbortSignal,
): Promise<Pick<Environment, "weights" | "load">> {
  return {
    weights: await hashFiles(files, signal),
    load: await recordLoad(options, { loras: [], ...added }, signal),
  };
}
