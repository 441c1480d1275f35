// What a family of models is to those who open models (node): a row of the table in node-families.ts.
import type { Description } from "../description.js";
import type { CompleteLoadOptions, FamilyLoadOption } from "../load-options.js";
import type { ModelFiles } from "../node-model-files.js";
import type { PipelineParts } from "../pipeline.js";
import type { RequestContext } from "../request-context.js";
import type { Runtime } from "../runtime.js";

/** A model whose files were looked at, but not loaded: enough to check a request against it. */
export interface OpenedModel {
  readonly context: RequestContext;
  /** Makes it ready to draw. @throws NishikiError "aborted", "file", "checkpoint", "device", "memory" */
  load(runtime?: Runtime): Promise<PipelineParts>;
}

/** What a model's files say of it. */
export interface ModelDescription {
  /** A few words, such as "Stable Diffusion XL". */
  readonly what: string;
  /** Width and height that it draws best, in pixels. */
  readonly size?: number;
  /** Bytes that its weights take in memory. */
  readonly memory?: number;
  /** All there is to say. */
  readonly description: Description;
}

export interface Family {
  /** As events, receipts and folders of this room call it. */
  readonly id: string;
  /** As people call it. */
  readonly title: string;
  /** The load options that it takes besides those of every family. */
  readonly loadOptions: readonly FamilyLoadOption[];
  /** Whether these files are for this family to open, or to refuse with a reason. */
  detect(files: ModelFiles): boolean;
  /** Reads configs and headers, not weights. @throws NishikiError "usage", "file", "checkpoint", "aborted" */
  open(files: ModelFiles, options: CompleteLoadOptions, runtime: Runtime): Promise<OpenedModel>;
  /** @throws NishikiError "file", "checkpoint" */
  describe(files: ModelFiles): Promise<ModelDescription>;
}
