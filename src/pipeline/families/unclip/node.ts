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
  loadOptions: ["prior", "imageEncoder"],
  detect: ({ pipelineClass }) => isKarlo(pipelineClass) || kandinskyPipelines.includes(pipelineClass ?? ""),
  open: async ({ path, pipelineClass }, options) => {
    const [own, other] = isKarlo(pipelineClass)
      ? (["Karlo", "prior"] as const)
      : (["Kandinsky 2.2", "imageEncoder"] as const);
    if (options[other] !== undefined)
      throw new NishikiError(
        "usage",
        `${other}: this is a ${own} model, which takes it from its own folders; omit it.`,
      );
    return own === "Karlo" ? openKarlo(path, options) : openKandinsky(path, options);
  },
  describe: ({ path, pipelineClass }) =>
    isKarlo(pipelineClass) ? describeKarlo(path) : describeKandinsky(path),
};
