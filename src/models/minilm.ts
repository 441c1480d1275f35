// MiniLM: a BERT encoder (Devlin et al. 2018, arXiv:1810.04805, section 3) distilled to 6 layers of 384 (Wang et al. 2020,
// arXiv:2002.10957), as sentence-transformers/all-MiniLM-L6-v2 publishes it. Parameter names are that checkpoint's.
import { NishikiError } from "../errors.js";
import {
  add,
  attention,
  type Dim,
  expand,
  gather,
  gelu,
  mul,
  type Scope,
  slice,
  sub,
  type Tensor,
  unsqueeze,
} from "../graph/index.js";
import { dense, embedding, norm } from "../nn/index.js";
import { explain, z } from "../schema/index.js";
import { repeats, size } from "./sizes.js";

/** The sizes of a MiniLM. */
export const miniLmSchema = z.strictObject({
  vocabulary: explain(size, "tokens of the vocabulary"),
  width: explain(size, "channels"),
  layers: explain(repeats, "layers"),
  heads: explain(size, "attention heads"),
  hidden: explain(size, "width between the two layers of the feed-forward part"),
  positions: explain(size, "rows of the position table: the most tokens of a text"),
});

export type MiniLmConfig = z.infer<typeof miniLmSchema>;

export const miniLmConfigs = {
  "all-MiniLM-L6-v2": { vocabulary: 30522, width: 384, layers: 6, heads: 12, hidden: 1536, positions: 512 },
} as const satisfies Record<string, MiniLmConfig>;

export interface MiniLmInputs {
  /** Token ids, i32 or i64: `[batch, tokens]`. Both dimensions may be symbols. */
  readonly ids: Tensor;
  /** 1 at tokens, 0 at padding: f32 `[batch, tokens]`. */
  readonly mask: Tensor;
  /** 0, 1, 2, … as i32 or i64 `[tokens]`. Required only if the number of tokens is a symbol. */
  readonly positions?: Tensor;
}

// The published config's layer_norm_eps.
const epsilon = 1e-12;

// Added to masked scores. Softmax makes it exactly 0; a fully masked row stays finite.
const masked = -1e9;

/**
 * Computes the state of every token: `[batch, tokens, width]`. States of masked tokens are meaningless.
 * @throws NishikiError "shape" if there are more tokens than positions, or their number is a symbol without
 *   `positions`.
 */
export function miniLm(scope: Scope, config: MiniLmConfig, { ids, mask, positions }: MiniLmInputs): Tensor {
  const { width, vocabulary } = config;
  const [batch, tokens] = ids.shape as [Dim, Dim];

  const tables = scope.child("embeddings");
  const words = embedding(tables.child("word_embeddings"), ids, vocabulary, width); // [batch, tokens, width]
  const places = positionRows(tables.child("position_embeddings"), config, ids, positions); // [tokens, width]
  const types = tables.child("token_type_embeddings").parameter("weight", [2, width]);
  const first = slice(types, 0, 0, 1); // [1, width]: every token belongs to the first of BERT's two sentences
  let x = norm(tables.child("LayerNorm"), add(add(words, places), first), epsilon); // [batch, tokens, width]

  const scores = unsqueeze(unsqueeze(mul(sub(1, mask), masked), 1), 1); // [batch, 1, 1, tokens]
  const bias = expand(scores, [batch, 1, tokens, tokens]);
  for (let i = 0; i < config.layers; i++) x = layer(scope.child("encoder.layer").child(i), config, x, bias);
  return x;
}

function positionRows(scope: Scope, { positions, width }: MiniLmConfig, ids: Tensor, given?: Tensor): Tensor {
  const table = scope.parameter("weight", [positions, width]);
  if (given) return gather(table, given);
  const tokens = ids.shape[1];
  if (typeof tokens === "number" && tokens <= positions) return slice(table, 0, 0, tokens);
  throw new NishikiError(
    "shape",
    `miniLm: expected up to ${positions} tokens, or their positions if their number is a symbol, got ids [${ids.shape.join(", ")}].`,
  );
}

function layer(scope: Scope, { width, heads, hidden }: MiniLmConfig, x: Tensor, bias: Tensor): Tensor {
  const self = scope.child("attention.self");
  const [q, k, v] = ["query", "key", "value"].map((name) => dense(self.child(name), x, width)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const mixed = attention(q, k, v, { heads, bias }); // [batch, tokens, width]
  const attended = add(x, dense(scope.child("attention.output.dense"), mixed, width));
  const y = norm(scope.child("attention.output.LayerNorm"), attended, epsilon);

  const wide = gelu(dense(scope.child("intermediate.dense"), y, hidden)); // [batch, tokens, hidden]
  const fed = add(y, dense(scope.child("output.dense"), wide, width)); // [batch, tokens, width]
  return norm(scope.child("output.LayerNorm"), fed, epsilon);
}
