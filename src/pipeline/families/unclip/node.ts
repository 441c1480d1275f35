// Models in the manner of DALL-E 2 as a row of the table of families (node).
import { NishikiError } from "../../../errors.js";
import type { Family } from "../node-family.js";
import { describeKandinsky, describeKarlo } from "./node-describe.js";
import { openKandinsky } from "./node-kandinsky.js";
import { kandinskyPipelines } from "./node-kandinsky-files.js";
import { karloPipelines, openKarlo } from "./node-karlo.js";

const isKarlo = (pipelineClass: string | undefined) => karloPipelines.includes(pipelineClass ?? "");

/** Kandinsky 2.2 and Karlo, as published folders. */
export const unclipFamily: Family = {
  id: "unclip",
  title: "unCLIP",
  loadOptions: ["prior"],
  detect: ({ pipelineClass }) => isKarlo(pipelineClass) || kandinskyPipelines.includes(pipelineClass ?? ""),
  open: async ({ path, pipelineClass }, options) => {
    if (!isKarlo(pipelineClass)) return openKandinsky(path, options);
    if (options.prior === undefined) return openKarlo(path, options);
    const message =
      "prior: only Kandinsky 2.2 has its prior in another folder; this is a Karlo model. Omit it.";
    throw new NishikiError("usage", message);
  },
  describe: ({ path, pipelineClass }) =>
    isKarlo(pipelineClass) ? describeKarlo(path) : describeKandinsky(path),
};
