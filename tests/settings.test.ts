// A setting is one row of image-request.ts; what follows from a row is counted here.
import { describe, expect, it } from "vitest";
import {
  commonSettings,
  completeRequest,
  fileRequestSchema,
  imageRequestSchema,
  optionalSettings,
  receiptRequestSchema,
} from "../src/pipeline/index.js";
import { getShape, listFields, toJsonSchema } from "../src/schema/index.js";
import { runHere } from "./support/run-here.js";

/** The fields of a request that are values; sizes and sides are one value. */
function listLeaves(
  schema: typeof imageRequestSchema | typeof fileRequestSchema | typeof receiptRequestSchema,
) {
  const fields = listFields(schema);
  return fields.filter(({ path, flag }) => path === "prompt" || flag !== undefined);
}

/** The part of a JSON Schema that stands at a path. */
const at = (json: unknown, path: string): Record<string, unknown> =>
  path
    .split(".")
    .reduce(
      (inside, name) => (inside as { properties: Record<string, unknown> }).properties[name],
      json,
    ) as Record<string, unknown>;

describe("each setting", () => {
  const leaves = listLeaves(imageRequestSchema);

  it("is a value with an option, or a group of such", () => {
    const groups = listFields(imageRequestSchema).filter(
      ({ path, flag }) => path !== "prompt" && flag === undefined,
    );
    for (const { path, schema } of groups)
      expect([path, getShape(schema)]).toEqual([path, expect.any(Object)]);
    expect(leaves.length).toBeGreaterThan(20);
  });

  it("is in JSON Schema, with its description", () => {
    const json = JSON.parse(JSON.stringify(toJsonSchema(imageRequestSchema)));
    for (const { path, description } of leaves) {
      expect(description).not.toBe("");
      expect(at(json, path)).toMatchObject({ description });
    }
    expect(json.required).toEqual(["prompt"]);
    expect(json.additionalProperties).toBe(false);
  });

  it("is an option of the command line, with its description and its default", async () => {
    const { stdout } = await runHere(["draw", "--help"]);
    const help = stdout.replace(/\s+/g, " ");
    for (const { path, flag, description, defaultText } of leaves) {
      if (path === "prompt") continue;
      const text = defaultText === undefined ? description : `${description} (default: ${defaultText})`;
      expect(help).toContain(`${flag} ${text}`);
    }
  });

  it("is in receipts, and in requests whose images are files", () => {
    const paths = leaves.map(({ path }) => path);
    expect(listLeaves(receiptRequestSchema).map(({ path }) => path)).toEqual(paths);
    expect(listLeaves(fileRequestSchema).map(({ path }) => path)).toEqual(paths);
  });

  it("is taken by all models or named as one that only some take", () => {
    expect([...commonSettings, ...optionalSettings].sort()).toEqual(
      Object.keys(imageRequestSchema.shape).sort(),
    );
    const context = {
      defaults: { steps: 1, guidance: 1, sampler: "euler" },
      sizes: { usual: { width: 8, height: 8 } },
      takes: optionalSettings,
    };
    expect(Object.keys(completeRequest({ prompt: "a" }, context)).sort()).toEqual([...commonSettings].sort());
  });
});

describe("JSON Schema of a request", () => {
  it("has no keywords of this project's own, and describes both forms of a size", () => {
    const json = JSON.parse(JSON.stringify(toJsonSchema(imageRequestSchema)));
    expect(JSON.stringify(json)).not.toMatch(
      /"(flag|aliases|defaultText|isImage|renamed|expected|readOnly)":/,
    );
    expect(at(json, "size").anyOf).toMatchObject([{ type: "string" }, { type: "object" }]);
    expect(at(json, "seed")).toMatchObject({ type: "integer", minimum: 0 });
    expect(at(json, "sampler")).toMatchObject({ type: "string" });
    expect(at(json, "steps")).toMatchObject({ type: "integer", minimum: 1, maximum: 1000 });
  });
});
