// Compares a text encoder's weights with the reference's token states (tests/golden/minilm.safetensors), in
// any form.
//
//   npm run build && node scripts/check-text-encoder.mjs [WEIGHTS]
//
// WEIGHTS is weights/text-encoder.safetensors unless given. For the float16 form, which is too large to keep
// here, see make-text-encoder.mjs. Prints, over all kept tokens, the largest |a − b| / |b| of a token's state
// and the smallest cosine.

import { readFileSync } from "node:fs";
import { openSafetensors } from "../dist/checkpoint/node.js";
import { makeEngine } from "../dist/engine/node.js";
import { trace } from "../dist/graph/index.js";
import { miniLm, miniLmConfigs } from "../dist/models/minilm.js";
import { makeTokenizer } from "../dist/tokenizer/index.js";

const path = process.argv[2] ?? "weights/text-encoder.safetensors";
const config = miniLmConfigs["all-MiniLM-L6-v2"];
const tokenizer = makeTokenizer(JSON.parse(readFileSync("weights/tokenizer.json", "utf8")));
const golden = await openSafetensors("tests/golden/minilm.safetensors");
const prompts = JSON.parse(golden.metadata.prompts);
const file = await openSafetensors(path);
const weights = new Map([...file.tensors].map(([name, entry]) => [name, { ...entry, file: file.path }]));
const engine = makeEngine();

let [worstError, worstCosine, count] = [0, 1, 0];
for (const length of [64, 512]) {
  const program = trace((t) => {
    const [ids, mask] = [t.input("ids", [1, length], "i32"), t.input("mask", [1, length])];
    return { states: miniLm(t.scope(), config, { ids, mask }) };
  });
  const session = await engine.load(program, { weights });
  for (const [i, prompt] of prompts.entries()) {
    const size = tokenizer.encode(prompt).ids.length;
    if (length === 64 ? size > 64 : size <= 64) continue;
    const { ids, mask, shape } = tokenizer.encodeBatch([prompt], { length });
    const given = { ids: { dtype: "i32", shape, data: ids }, mask: { dtype: "f32", shape, data: mask } };
    const states = (await session.run(given)).states.data;
    const reference = await golden.readFloat32(`states.${i}`);
    const rows = Array.from((await golden.read(`rows.${i}`)).data, Number);
    for (const [kept, row] of rows.entries()) compareRow(states, row, reference, kept);
  }
  await session.close();
}
await engine.close();
console.log(`${path} (${file.metadata.form ?? "unknown form"}): ${count} tokens of ${prompts.length} texts`);
console.log(
  `  largest relative error of a token's state ${worstError.toExponential(2)}, smallest cosine ${worstCosine.toFixed(6)}`,
);

function compareRow(states, row, reference, kept) {
  let [difference, ab, aa, bb] = [0, 0, 0, 0];
  for (let i = 0; i < config.width; i++) {
    const [a, b] = [states[row * config.width + i], reference[kept * config.width + i]];
    difference += (a - b) ** 2;
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  worstError = Math.max(worstError, Math.sqrt(difference / bb));
  worstCosine = Math.min(worstCosine, ab / Math.sqrt(aa * bb));
  count++;
}
