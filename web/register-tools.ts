// The features beside the shell that live in folders of their own: editor, compare, sweeps, drop, variations, styles, models and
// training. Only what registers them is loaded with the page.
import { effect } from "@preact/signals";
import { type ActionContext, registerActions } from "./actions/registry.js";
import { pair } from "./compare/state.js";
import { Drop } from "./drop/drop.jsx";
import { StartChip } from "./drop/start-chip.jsx";
import { drawMore, enlarge, remix, useAsStart, vary } from "./family/actions.js";
import type { FrameAction } from "./family/frame-actions.js";
import { fillSlot, registerGroupView, registerSheet } from "./features.js";
import type { Messages } from "./i18n/index.js";
import { ImagePromptChips } from "./image-prompts/chips.jsx";
import { AdditionChips, LoadSettings } from "./models/additions.jsx";
import { ParameterChips } from "./parameters/chips.jsx";
import { lazy } from "./parts/lazy.jsx";
import { StyleChips } from "./presets/chips.jsx";
import { peekImage } from "./store/images.js";
import { jobIds, peekJob } from "./store/jobs.js";
import { getModel, model } from "./store/models.js";
import { attempt } from "./store/notices.js";
import { getNeighbour, openSheet, selection, viewed } from "./store/ui.js";
import { isSweep } from "./sweep/groups.js";

/** Whether an image's model takes a setting; the chosen model stands in for one that is gone. */
const takes =
  (setting: string) =>
  ({ images }: ActionContext) =>
    images.every(({ modelId }) => (getModel(modelId) ?? model.peek())?.takes.includes(setting) === true);

const notInTrash = ({ images }: ActionContext) => images.every(({ trashed }) => trashed === null);
const all =
  (...conditions: readonly ((context: ActionContext) => boolean)[]) =>
  (context: ActionContext) =>
    conditions.every((condition) => condition(context));

const edit = async ({ images: [image] }: ActionContext) => {
  const { fromStored } = await import("./editor/state.js");
  openSheet("editor", { image: fromStored(image!) });
};

/** What to compare an image with: the second that is chosen, the one it was made from, or its neighbour in the feed. */
function findOther({ images: [first, second] }: ActionContext): string | undefined {
  if (!first) return undefined;
  const neighbours = [getNeighbour(first.id, 1)?.id, getNeighbour(first.id, -1)?.id];
  return [second?.id, first.parent?.image, ...neighbours].find(
    (id) => id !== undefined && peekImage(id) !== undefined,
  );
}

/** An image stands on the right of the one it was made from; two chosen ones keep their order. */
function compare(context: ActionContext): void {
  const [first, second] = context.images;
  const other = findOther(context);
  if (!first || other === undefined) return;
  pair.value = second ? [first.id, other] : [other, first.id];
  openSheet("compare");
}

const isComparable = (context: ActionContext) =>
  context.images.length <= 2 && findOther(context) !== undefined;

function registerImageActions(): void {
  registerActions(
    {
      id: "image.varySubtle",
      section: "image",
      rank: 31,
      title: (texts) => texts.varySubtle,
      icon: "vary",
      keys: ["v"],
      needs: "images",
      viewer: "button",
      when: notInTrash,
      run: vary("vary-subtle"),
    },
    {
      id: "image.varyStrong",
      section: "image",
      rank: 32,
      title: (texts) => texts.varyStrong,
      icon: "vary",
      keys: ["shift+v"],
      needs: "images",
      viewer: "button",
      when: notInTrash,
      run: vary("vary-strong"),
    },
    {
      id: "image.edit",
      section: "image",
      rank: 33,
      title: (texts) => texts.edit,
      icon: "edit",
      keys: ["e"],
      needs: "image",
      viewer: "button",
      when: notInTrash,
      run: edit,
    },
    {
      id: "image.larger",
      section: "image",
      rank: 34,
      title: (texts) => texts.larger,
      icon: "larger",
      keys: ["u"],
      needs: "images",
      viewer: "button",
      when: notInTrash,
      run: enlarge(2),
    },
    {
      id: "image.again",
      section: "image",
      rank: 35,
      title: (texts) => texts.again,
      icon: "again",
      keys: ["g"],
      needs: "images",
      viewer: "button",
      when: notInTrash,
      run: drawMore,
    },
    {
      id: "image.inside",
      section: "image",
      rank: 35.5,
      title: (texts) => texts.lookInside,
      icon: "search",
      keys: ["n"],
      needs: "image",
      viewer: "button",
      when: all(notInTrash, ({ images }) => images.every(({ job }) => job !== null)),
      run: ({ images: [image] }) => openSheet("inside", { image }),
    },
    {
      id: "image.compare",
      section: "image",
      rank: 36,
      title: (texts) => texts.compare,
      icon: "compare",
      keys: ["c"],
      needs: "images",
      viewer: "icon",
      when: isComparable,
      run: compare,
    },
    {
      id: "image.start",
      section: "image",
      rank: 37,
      title: (texts) => texts.asStart,
      icon: "image",
      needs: "image",
      viewer: "menu",
      when: all(notInTrash, takes("init")),
      run: ({ images: [image] }) => {
        useAsStart(image!.id, true);
        viewed.value = undefined;
        selection.value = new Set();
      },
    },
    {
      id: "recall.remix",
      section: "image",
      rank: 21,
      title: (texts) => texts.remix,
      icon: "swap",
      keys: ["r"],
      needs: "image",
      viewer: "menu",
      run: remix,
    },
  );
}

/** Actions that draw around a picture or enlarge it by its model: in the viewer's menu, and in the palette. */
function registerFrameActions(): void {
  const grows = all(notInTrash, takes("inpaint"));
  const add = (
    id: string,
    rank: number,
    title: (texts: Messages) => string,
    action: FrameAction,
    icon: "larger" | "image" | "edit" = "image",
  ) => ({
    id: `image.${id}`,
    section: "image" as const,
    rank,
    title,
    icon,
    needs: "images" as const,
    viewer: "menu" as const,
    when: action.kind === "upscale" ? all(notInTrash, takes("init")) : grows,
    run: async ({ images }: ActionContext) => {
      const { runFrameAction } = await import("./family/frame-actions.js");
      await runFrameAction(action, images);
    },
  });
  registerActions(
    add("upscaleSubtle", 38, (texts) => texts.upscaleSubtle, { kind: "upscale", way: "subtle" }, "larger"),
    add(
      "upscaleCreative",
      38.1,
      (texts) => texts.upscaleCreative,
      { kind: "upscale", way: "creative" },
      "larger",
    ),
    add("zoomOut", 38.2, (texts) => texts.zoomOutBy("1.5"), { kind: "zoom", factor: 1.5 }),
    add("zoomOutTwice", 38.3, (texts) => texts.zoomOutBy("2"), { kind: "zoom", factor: 2 }),
    add("panLeft", 38.4, (texts) => texts.panTo.left, { kind: "pan", to: "left" }),
    add("panRight", 38.5, (texts) => texts.panTo.right, { kind: "pan", to: "right" }),
    add("panUp", 38.6, (texts) => texts.panTo.up, { kind: "pan", to: "up" }),
    add("panDown", 38.7, (texts) => texts.panTo.down, { kind: "pan", to: "down" }),
    {
      ...add("square", 38.8, (texts) => texts.makeSquare, { kind: "square" }),
      when: all(grows, ({ images }) => images.every(({ width, height }) => width !== height)),
    },
    {
      id: "image.grid",
      section: "image",
      rank: 39,
      title: (texts) => texts.saveGrid,
      icon: "grid",
      needs: "images",
      viewer: "menu",
      when: ({ images }) => images.length > 1,
      run: ({ images }) =>
        attempt(async () => {
          const { saveGrid } = await import("./family/grid.js");
          await saveGrid(images);
        }),
    },
  );
}

function registerTools(): void {
  const tool = (
    id: string,
    icon: "grid" | "cube" | "stack" | "palette",
    title: "sweep" | "models" | "training" | "styles",
    sheet: string,
  ) => ({
    id,
    section: "tools" as const,
    icon,
    title: (texts: { readonly [Name in typeof title]: string }) => texts[title],
    run: () => openSheet(sheet),
  });
  registerActions(
    tool("tools.sweep", "grid", "sweep", "sweep"),
    tool("tools.styles", "palette", "styles", "presets"),
    tool("tools.models", "cube", "models", "models"),
    tool("tools.training", "stack", "training", "training"),
  );
}

export function registerToolFeatures(): void {
  registerSheet(
    { id: "editor", title: (texts) => texts.edit, form: "screen", load: () => import("./editor/editor.jsx") },
    {
      id: "compare",
      title: (texts) => texts.compare,
      form: "screen",
      load: () => import("./compare/compare.jsx"),
    },
    {
      id: "inside",
      title: (texts) => texts.lookInside,
      form: "screen",
      load: () => import("./inside/sheet.jsx"),
    },
    { id: "sweep", title: (texts) => texts.sweep, form: "side", load: () => import("./sweep/sheet.jsx") },
    { id: "dropped", title: (texts) => texts.dropped, form: "side", load: () => import("./drop/sheet.jsx") },
    {
      id: "presets",
      title: (texts) => texts.styles,
      form: "side",
      load: () => import("./presets/sheet.jsx"),
    },
    { id: "models", title: (texts) => texts.models, form: "side", load: () => import("./models/sheet.jsx") },
    {
      id: "training",
      title: (texts) => texts.training,
      form: "side",
      load: () => import("./training/sheet.jsx"),
    },
  );
  registerImageActions();
  registerFrameActions();
  registerTools();
  fillSlot("page", Drop);
  fillSlot("prompt", StartChip);
  fillSlot("prompt", ParameterChips);
  fillSlot("prompt", StyleChips);
  fillSlot("prompt", ImagePromptChips);
  fillSlot("prompt", AdditionChips);
  fillSlot("settings", LoadSettings);
  fillSlot(
    "info",
    lazy(() => import("./family/tree-view.jsx")),
  );
  showSweeps();
}

/** Loads the tables of sweeps when there is a sweep. */
function showSweeps(): void {
  let isLoading = false;
  effect(() => {
    if (isLoading || !jobIds.value.some((id) => isSweep(peekJob(id)?.group ?? null))) return;
    isLoading = true;
    void attempt(async () => {
      const { getGridHeight, SweepGrid } = await import("./sweep/grid.jsx");
      registerGroupView({ claims: ({ group }) => isSweep(group), height: getGridHeight, view: SweepGrid });
    });
  });
}
