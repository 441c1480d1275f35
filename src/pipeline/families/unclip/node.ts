// Models in the manner of DALL-E 2 as a row of the table of families (node).
import type { Family } from "../node-family.js";
import { describeUnclip } from "./node-describe.js";
import { openKandinsky } from "./node-kandinsky.js";
import { kandinskyPipelines } from "./node-kandinsky-files.js";

/** Kandinsky 2.2, as published folders. */
export const unclipFamily: Family = {
  id: "unclip",
  title: "unCLIP",
  loadOptions: ["prior"],
  detect: ({ pipelineClass }) => kandinskyPipelines.includes(pipelineClass ?? ""),
  open: ({ path }, options) => openKandinsky(path, options),
  describe: ({ path }) => describeUnclip(path),
};
