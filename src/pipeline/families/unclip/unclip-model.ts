// What Kandinsky and Karlo have in common as loaded models.
import type { Watch } from "../../cancel.js";
import type { Model } from "../../plan.js";
import type { RequestContext } from "../../request-context.js";
import type { EmbeddingCache } from "./embeddings.js";
import type { Networks } from "./networks.js";
import type { TextEncoder } from "./text.js";

/** A model, its text encoder and its networks. */
export abstract class UnclipModel<P extends { readonly name: string; readonly context: RequestContext }> {
  readonly identity: Model["identity"];
  readonly context: RequestContext;
  protected readonly parts: P;
  protected readonly text: TextEncoder;
  protected readonly open: (watch: Watch) => Networks;
  /** For all requests. */
  protected readonly cache: EmbeddingCache = {};

  constructor(parts: P, text: TextEncoder, open: (watch: Watch) => Networks) {
    this.parts = parts;
    this.text = text;
    this.open = open;
    this.identity = { name: parts.name, version: "published" };
    this.context = parts.context;
  }
}
