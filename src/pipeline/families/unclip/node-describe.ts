// What a published unCLIP model is. Only headers are read.
import type { ModelComponent } from "../../../checkpoint/node.js";
import type { Description } from "../../description.js";
import type { ModelDescription } from "../node-family.js";
import { countNumbers, describeComponent } from "../stable-diffusion/node-describe.js";
import { readKandinskyFiles } from "./node-kandinsky.js";
import { openKandinskyFiles } from "./node-kandinsky-files.js";
import { openKarloFiles, readKarloFiles } from "./node-karlo.js";

/** The networks of a model by their titles. */
export type TitledNetworks = readonly (readonly [title: string, network: ModelComponent | undefined])[];

/** Describes a model by its networks. */
export function describeNetworks(
  what: string,
  description: Omit<Description, "parts">,
  networks: TitledNetworks,
  limits: Pick<ModelDescription, "size" | "maxTokens" | "licence">,
): ModelDescription {
  const present = networks.flatMap(([title, network]) => (network ? [[title, network] as const] : []));
  const memory = present.map(([, network]) => 4 * countNumbers(network));
  return {
    what,
    ...limits,
    memory: memory.reduce((sum, bytes) => sum + bytes, 0),
    largest: Math.max(...memory),
    description: {
      ...description,
      parts: present.map(([title, network]) => describeComponent(title, network)),
    },
  };
}

/** @throws NishikiError "file", "checkpoint" */
export async function describeKandinsky(path: string): Promise<ModelDescription> {
  const files = await openKandinskyFiles(path);
  const { context, prior, images, scheduler } = readKandinskyFiles(files);
  const { unet, movq } = files.decoder.networks;
  const part = (name: string) => files.prior.networks[`${files.prefix}${name}`];
  return describeNetworks(
    "Kandinsky 2.2",
    {
      title: `${path}: ${files.name}`,
      values: {
        family: "Kandinsky 2.2",
        draws: images
          ? "from text, from images that say what to draw, and from pictures"
          : "from text and from pictures",
        prior: files.prior.path === files.decoder.path ? undefined : files.prior.path,
        scheduler: `${prior.scheduler.className} of the prior, ${scheduler.className} of the denoiser`,
      },
    },
    [
      ["Text encoder", part("text_encoder")],
      ["Image encoder", part("image_encoder")],
      ["Prior", part("prior")],
      ["Denoiser", unet],
      ["Autoencoder", movq],
    ],
    { size: context.sizes.usual.width, maxTokens: prior.text.positions },
  );
}

/** @throws NishikiError "file", "checkpoint" */
export async function describeKarlo(path: string): Promise<ModelDescription> {
  const files = await openKarloFiles(path);
  const { context, prior, images, text, decoder } = readKarloFiles(files);
  const { networks } = files;
  const draws = [
    ...(prior ? ["from text"] : []),
    ...(images ? ["from images that say what to draw"] : []),
  ].join(" and ");
  return describeNetworks(
    "Karlo",
    {
      title: `${path}: ${files.name}`,
      values: {
        family: "Karlo",
        draws: `${draws}, ${decoder.side} pixels wide and then ${context.sizes.usual.width}`,
        scheduler: decoder.scheduler.className,
      },
    },
    [
      ["Text encoder", networks.text_encoder],
      ["Image encoder", networks.image_encoder],
      ["Prior", networks.prior],
      ["Text projection", networks.text_proj],
      ["Decoder", networks.decoder],
      ["First super-resolution", networks.super_res_first],
      ["Last super-resolution", networks.super_res_last],
    ],
    { size: context.sizes.usual.width, maxTokens: text.positions },
  );
}
