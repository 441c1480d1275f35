import { describe, expect, it } from "vitest";
import { collectFamily, makeTree, type Relative, type TreeNode } from "./tree.js";
import { getRemix, makeLarger, makeMore, makeVariations, type Source } from "./variations.js";

const id = (letter: string) => letter.repeat(64);
const sizes = { usual: { width: 256, height: 256 }, enlarging: { factors: [2, 4], ways: ["lanczos"] } };
const source: Source = {
  image: { id: id("a"), width: 256, height: 256, seed: 3 },
  settings: { prompt: "a cat", seed: 3, count: 1, steps: 8, size: { width: 256, height: 256 } },
  load: {},
  model: { id: "embedded", takes: ["variation", "init", "inpaint"], sizes },
};

describe("variations", () => {
  it("mix a little of another noise into the same one", () => {
    const subtle = makeVariations(source, "vary-subtle", () => 77)!;
    expect(subtle.request).toMatchObject({ seed: 3, count: 4, variation: { seed: 77, strength: 0.15 } });
    expect(subtle).toMatchObject({ parent: { image: id("a"), action: "vary-subtle" }, model: "embedded" });
    const strong = makeVariations(source, "vary-strong", () => 77)!;
    expect(strong.request).toMatchObject({ variation: { strength: 0.45 } });
  });

  it("of a variation start from the picture itself", () => {
    const varied = { ...source, settings: { ...source.settings, variation: { seed: 1, strength: 0.2 } } };
    const { request } = makeVariations(varied, "vary-strong", () => 77)!;
    expect(request).toEqual({ prompt: "a cat", steps: 8, count: 4, init: { image: id("a"), strength: 0.7 } });
  });

  it("are not offered where the model can do neither", () => {
    const bare = { ...source, model: { ...source.model!, takes: [] } };
    expect(makeVariations(bare, "vary-subtle", () => 1)).toBeUndefined();
    expect(makeVariations({ ...source, model: undefined }, "vary-subtle", () => 1)).toBeUndefined();
  });

  it("differ from more of the same, whose seeds are new", () => {
    expect(makeMore(source).request).toEqual({
      prompt: "a cat",
      steps: 8,
      count: 4,
      size: { width: 256, height: 256 },
    });
    expect(getRemix(source)).not.toHaveProperty("seed");
  });
});

describe("larger", () => {
  it("is the same picture at a multiple of the size", () => {
    expect(makeLarger(source, 2)).toMatchObject({
      request: { seed: 3, size: { width: 512, height: 512 } },
      parent: { action: "enlarge" },
    });
  });

  it("is left to a filter where the model cannot", () => {
    expect(makeLarger(source, 3)).toBeUndefined();
    expect(makeLarger({ ...source, image: { ...source.image, width: 512 } }, 2)).toBeUndefined();
    expect(makeLarger({ ...source, settings: { init: {} } }, 2)).toBeUndefined();
  });
});

const relative = (letter: string, parent?: string): Relative => ({
  id: id(letter),
  parent: parent === undefined ? null : { image: id(parent), action: "again" },
  created: `2026-01-01T00:00:0${letter.charCodeAt(0) - 97}.000Z`,
});
const outline = ({ image, children }: TreeNode<Relative>): string =>
  image.id[0]! + (children.length > 0 ? `(${children.map(outline).join(" ")})` : "");
const family = [
  relative("d", "b"),
  relative("b", "a"),
  relative("a"),
  relative("c", "a"),
  relative("f", "z"),
];

describe("the family tree", () => {
  it("puts pictures under their parents, oldest first", () => {
    expect(makeTree(family).map(outline)).toEqual(["a(b(d) c)", "f"]);
  });

  it("places each picture once, even where files claim a circle", () => {
    expect(makeTree([relative("a", "b"), relative("b", "a")]).map(outline)).toEqual(["a(b)"]);
    expect(makeTree([relative("a", "a")]).map(outline)).toEqual(["a"]);
  });

  const relations = {
    image: async (wanted: string) => family.find((image) => image.id === wanted),
    childrenOf: async (parent: string) => family.filter((image) => image.parent?.image === parent),
  };

  it("is collected from its oldest picture, wherever one starts", async () => {
    const { images, isComplete } = await collectFamily(family[0]!, relations);
    expect(makeTree(images).map(outline)).toEqual(["a(b(d) c)"]);
    expect(isComplete).toBe(true);
    expect((await collectFamily(family[4]!, relations)).images).toEqual([family[4]]);
  });

  it("stops at a number, and says so", async () => {
    const { images, isComplete } = await collectFamily(family[2]!, relations, 2);
    expect(images.length).toBe(2);
    expect(isComplete).toBe(false);
  });
});
