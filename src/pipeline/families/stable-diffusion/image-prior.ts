// Stable unCLIP from words: a prior draws the embedding that an image of the prompt would have (diffusers' StableUnCLIPPipeline).
import type { ConfigRecord } from "../../../models/index.js";
import type { ImageSettings } from "../../image-request.js";
import type { DiffusionStage } from "../../plan.js";
import { parseAttention } from "../../prompt/attention-syntax.js";
import { splitComposition } from "../../prompt/composition.js";
import { schedulePrompt } from "../../prompt/prompt-editing.js";
import { getPriorSettings, makePriorStage, type PriorModel, readPrior } from "../unclip/prior.js";
import { encodeText, type TextEncoder } from "../unclip/text.js";
import type { Networks } from "./networks.js";

/** The configs of a prior. */
export interface PriorDescription {
  readonly text: ConfigRecord;
  readonly network: ConfigRecord;
  readonly scheduler: ConfigRecord;
}

/** Karlo's schedule, but sampled as DDPM, as diffusers' documentation does. @throws NishikiError "checkpoint" */
export const readImagePrior = ({ text, network, scheduler }: PriorDescription): PriorModel =>
  readPrior(text, network, {
    beta_schedule: "squaredcos_cap_v2",
    ...scheduler,
    ...(scheduler._class_name === "UnCLIPScheduler" && { _class_name: "DDPMScheduler" }),
  });

/** The words of a prompt, without weights: of its first part, as it begins. */
function getWords(prompt: string): string {
  const { text } = splitComposition(prompt)[0]!;
  const pieces = parseAttention(schedulePrompt(text, 1)[0]!.value);
  return pieces.map((piece) => (piece === "break" ? " " : piece.text)).join("");
}

/** The stage whose result is the embedding. */
export async function makeEmbeddingStage(
  prior: PriorModel,
  text: TextEncoder,
  settings: ImageSettings,
  networks: Networks,
): Promise<DiffusionStage> {
  const own: Parameters<typeof makePriorStage>[1] = {
    ...(networks.signal && { signal: networks.signal }),
    use: ({ part }, work) =>
      networks.use({ part: part === "prior" ? "prior" : "text encoder of the prior" }, work),
  };
  const encode = (words: string) => encodeText(text, words, own);
  const texts = { text: await encode(getWords(settings.prompt)), uncond: await encode("") };
  const asked = getPriorSettings(settings);
  return makePriorStage(prior, own, texts, { ...asked, guidance: Math.max(1, asked.guidance) });
}
