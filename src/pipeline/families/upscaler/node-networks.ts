// The networks of Stable Diffusion's x4 upscaler, as recipes (node).
import type { PublishedFolder } from "../../../checkpoint/node.js";
import type { Engine } from "../../../engine/index.js";
import { NishikiError } from "../../../errors.js";
import type { Watch } from "../../cancel.js";
import type { ModelSessions } from "../../session-pool.js";
import { checkRecipes, openRecipes, type Recipe } from "../node-recipes.js";
import { getTextOptions } from "../stable-diffusion/conditioning.js";
import type { NetworkKey, Networks } from "../stable-diffusion/networks.js";
import { traceTextEncoder, traceUnet } from "../stable-diffusion/programs.js";
import type { UpscalerModel } from "./model.js";

function makeRecipe({ networks }: PublishedFolder, model: UpscalerModel, key: NetworkKey): Recipe {
  switch (key.part) {
    case "text encoder": {
      const program = traceTextEncoder(model.textEncoders[0], { ...getTextOptions(model), skip: key.skip });
      return {
        title: key.part,
        program,
        places: networks.text_encoder!.weights,
        group: "text",
        inPlace: true,
      };
    }
    case "denoiser":
      return {
        title: key.part,
        program: traceUnet(model.unet),
        places: networks.unet!.weights,
        // In a cascade, it follows other stages' denoisers.
        group: "enlarge",
        groupLimit: 1,
        inPlace: true,
        usualSizes: { batch: 2, height: 128, width: 128, tokens: 77 },
      };
    case "decoder":
      return {
        title: key.part,
        program: model.autoencoder.traceDecoder(),
        places: networks.vae!.weights,
        group: "decode",
        inPlace: false,
      };
    default:
      throw new NishikiError("internal", `The upscaler has no ${key.part}.`);
  }
}

const keys: readonly NetworkKey[] = [
  { part: "text encoder", index: 0, skip: 0 },
  { part: "denoiser", form: "whole", wraps: false },
  { part: "decoder", wraps: false },
];

/** @throws NishikiError "checkpoint" where weights do not fit the configs */
export function checkUpscaler({ folder, model }: UpscalerFiles): void {
  checkRecipes(
    model.name,
    keys.map((key) => makeRecipe(folder, model, key)),
  );
}

/** A model's files, with their configs read. */
export interface UpscalerFiles {
  readonly folder: PublishedFolder;
  readonly model: UpscalerModel;
}

/** The networks of one request. */
export function openUpscalerNetworks(
  { folder, model }: UpscalerFiles,
  engine: Engine,
  sessions: ModelSessions,
  watch: Watch,
): Networks {
  const { weights } = folder.networks.vae!;
  return {
    ...openRecipes<NetworkKey>((key) => makeRecipe(folder, model, key), engine, sessions, watch),
    exclusive: (work) => sessions.exclusive(() => work((program) => engine.load(program, { weights }))),
  };
}
