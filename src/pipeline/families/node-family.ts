// The interface of a family for opening models (node): a row of the table in node-families.ts.
import type { Description } from "../description.js";
import type { ImageSettings } from "../image-request.js";
import type { CompleteLoadOptions, FamilyLoadOption } from "../load-options.js";
import type { ModelFiles } from "../node-model-files.js";
import type { PipelineParts } from "../pipeline.js";
import type { RequestContext } from "../request-context.js";
import type { Runtime } from "../runtime.js";
import type { TokenCount } from "../token-count.js";
import type { NetworkWork } from "../work.js";
import type { Planner } from "./nishiki/planner/planner.js";

/** A model with its configs and headers read but no weights loaded: enough to check a request. */
export interface OpenedModel {
  readonly context: RequestContext;
  /** Counts a prompt's tokens without loading weights; absent where prompts are not read in tokens of their text. */
  countTokens?(prompt: string): Promise<TokenCount>;
  /** Turns prompts into what the model can draw, without loading weights; absent where the model lists no words. */
  loadPlanner?(): Promise<Planner>;
  /** What an image costs, network by network: as the loaded model says. Loads no weights. */
  getWork?(settings: ImageSettings): Promise<readonly NetworkWork[]>;
  /** Makes it ready to draw. @throws NishikiError "aborted", "file", "checkpoint", "device", "memory" */
  load(runtime?: Runtime): Promise<PipelineParts>;
}

/** A summary of a model's files. */
export interface ModelDescription {
  /** A few words, such as "Stable Diffusion XL". */
  readonly what: string;
  /** Native width and height, in pixels. */
  readonly size?: number;
  /** Bytes that its weights take in memory. */
  readonly memory?: number;
  /** Bytes that the weights of its largest network take in memory. */
  readonly largest?: number;
  /** Tokens of a prompt that it reads at a time. */
  readonly maxTokens?: number;
  readonly licence?: string;
  /** The load options of its family that it does not take. */
  readonly unusedLoadOptions?: readonly FamilyLoadOption[];
  /** The full description. */
  readonly description: Description;
}

export interface Family {
  /** Name in events, receipts and folders of this room. */
  readonly id: string;
  /** Display name. */
  readonly title: string;
  /** The load options that it supports in addition to the common ones. */
  readonly loadOptions: readonly FamilyLoadOption[];
  /** Whether this family should open these files, or reject them with a reason. */
  detect(files: ModelFiles): boolean;
  /** Reads configs and headers, not weights. @throws NishikiError "usage", "file", "checkpoint", "aborted" */
  open(files: ModelFiles, options: CompleteLoadOptions, runtime: Runtime): Promise<OpenedModel>;
  /** @throws NishikiError "file", "checkpoint" */
  describe(files: ModelFiles): Promise<ModelDescription>;
}
