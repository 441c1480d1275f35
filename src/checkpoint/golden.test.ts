// Against files written by Python's safetensors 0.8.0, NumPy 2.4.6 and ml_dtypes 0.6.0
// (tests/golden/scripts/checkpoint.py).

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dtypeToFile, type StoredDtype, storedDtypes, viewElements } from "./dtype.js";
import { toFloat32 } from "./float32.js";
import {
  bf16ToFloat32,
  f16ToFloat32,
  float32ToBf16,
  float32ToF16,
  fromBf16,
  fromF16,
  toBf16,
  toF16,
} from "./half.js";
import { decodeSafetensors, encodeSafetensors } from "./memory-file.js";

const golden = new URL("../../tests/golden/checkpoint/", import.meta.url);
const bytes = new Uint8Array(readFileSync(new URL("all-dtypes.safetensors", golden)));

interface Said {
  sha256: string;
  metadata: Record<string, string>;
  tensors: Record<
    string,
    { dtype: StoredDtype; shape: number[]; hex: string; float32?: (number | string)[] }
  >;
}
const said = JSON.parse(readFileSync(new URL("all-dtypes.json", golden), "utf8")) as Said;

function rawBytes(data: ArrayBufferView): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

describe("a file by Python's safetensors", () => {
  const { metadata, tensors } = decodeSafetensors(bytes);

  it("is read equal: names, types, shapes, bytes, metadata", () => {
    expect(metadata).toEqual(said.metadata);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(said.tensors).sort());
    for (const [name, { dtype, shape, hex }] of Object.entries(said.tensors)) {
      const tensor = tensors.get(name)!;
      expect([name, tensor.dtype, tensor.shape]).toEqual([name, dtype, shape]);
      expect(rawBytes(tensor.data).toString("hex")).toBe(hex);
    }
  });

  it("has every type but the 6-bit ones, which Python cannot write", () => {
    const types = new Set([...tensors.values()].map(({ dtype }) => dtype));
    expect(storedDtypes.filter((dtype) => !types.has(dtype)).map(dtypeToFile)).toEqual([
      "F6_E2M3",
      "F6_E3M2",
    ]);
  });

  it("is what we write from the same tensors, byte for byte", () => {
    const named = Object.entries(said.tensors).map(([name, { dtype, shape, hex }]) => ({
      name,
      dtype,
      shape,
      data: viewElements(dtype, new Uint8Array(Buffer.from(hex, "hex"))),
    }));
    const ours = encodeSafetensors(named, said.metadata);
    expect(createHash("sha256").update(ours).digest("hex")).toBe(said.sha256);
  });

  it("has 8-bit floats that stand for the same numbers", () => {
    for (const [name, { float32 }] of Object.entries(said.tensors)) {
      if (!float32) continue;
      const expected = float32.map((value) =>
        value === "inf" ? Infinity : value === "-inf" ? -Infinity : Number(value),
      );
      expect([name, [...toFloat32(tensors.get(name)!)]]).toEqual([name, expected]);
    }
  });
});

describe("half precision", () => {
  const { metadata, tensors } = decodeSafetensors(
    new Uint8Array(readFileSync(new URL("half.safetensors", golden))),
  );
  const values = tensors.get("values")!.data as Float32Array;
  const every = Uint16Array.from({ length: 65_536 }, (_, index) => index);

  it("is rounded as NumPy and ml_dtypes round", () => {
    expect(values.length).toBeGreaterThan(4000);
    expect(float32ToF16(values)).toEqual(tensors.get("f16")!.data);
    expect(float32ToBf16(values)).toEqual(tensors.get("bf16")!.data);
  });

  it.each([
    ["f16", f16ToFloat32],
    ["bf16", bf16ToFloat32],
  ] as const)("widens all 65,536 patterns of %s as they do", (name, widen) => {
    const wide = widen(every).map((value) => (Number.isNaN(value) ? 0 : value));
    const { sha256 } = JSON.parse(metadata.widened!) as { sha256: Record<string, string> };
    expect(createHash("sha256").update(rawBytes(wide)).digest("hex")).toBe(sha256[name]);
  });

  it.each([
    ["f16", f16ToFloat32, float32ToF16, 0x7c00],
    ["bf16", bf16ToFloat32, float32ToBf16, 0x7f80],
  ] as const)(
    "survives %s → float32 → back for every pattern; NaN stays NaN",
    (_, widen, narrow, infinity) => {
      const wide = widen(every);
      const back = narrow(wide);
      const changed = every.filter((pattern) => back[pattern] !== pattern);
      // Only signalling NaNs change, into quiet ones.
      expect(changed.every((pattern) => (pattern & 0x7fff) > infinity)).toBe(true);
      const again = widen(back);
      expect(every.filter((pattern) => Number.isNaN(wide[pattern]) !== Number.isNaN(again[pattern]))).toEqual(
        new Uint16Array(0),
      );
    },
  );

  it("is the same for single numbers", () => {
    for (let i = 0; i < values.length; i += 7) {
      expect(toF16(values[i]!)).toBe(tensors.get("f16")!.data[i]);
      expect(toBf16(values[i]!)).toBe(tensors.get("bf16")!.data[i]);
    }
    expect([fromF16(0x3c01), fromF16(0x8001), fromBf16(0x4049)]).toEqual([
      1.0009765625,
      -(2 ** -24),
      3.140625,
    ]);
  });

  it("keeps a NaN whose payload lies in the lower half", () => {
    const nan = new Float32Array(new Uint32Array([0x7f800001, 0xff800001]).buffer);
    expect([...f16ToFloat32(float32ToF16(nan)), ...bf16ToFloat32(float32ToBf16(nan))]).toEqual([
      NaN,
      NaN,
      NaN,
      NaN,
    ]);
  });
});
