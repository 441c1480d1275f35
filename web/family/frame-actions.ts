// One click from a picture to one with more around it, or to a larger one. The requests are the library's own.
import {
  type ActionRequest,
  type DrawnPicture,
  makePan,
  makeSquare,
  makeUpscale,
  makeZoom,
  type PanDirection,
  type UpscaleWay,
} from "../../src/pipeline/image-actions.js";
import type { RequestContext } from "../../src/pipeline/request-context.js";
import type { DrawJobRequest, StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { sendJob } from "../store/draft.js";
import { notify } from "../store/notices.js";
import { getSource } from "./source.js";
import type { Source } from "./variations.js";

export type FrameAction =
  | { readonly kind: "zoom"; readonly factor: number }
  | { readonly kind: "pan"; readonly to: PanDirection }
  | { readonly kind: "square" }
  | { readonly kind: "upscale"; readonly way: UpscaleWay };

function makeRequest(action: FrameAction, picture: DrawnPicture, context: RequestContext): ActionRequest {
  switch (action.kind) {
    case "zoom":
      return makeZoom(picture, action.factor, context);
    case "pan":
      return makePan(picture, action.to, 0.5, context);
    case "square":
      return makeSquare(picture, context);
    case "upscale":
      return makeUpscale(picture, action.way, 2, context);
  }
}

/** The job of an action. @throws NishikiError "usage" with the reason, where the model cannot */
export function makeFrameJob(action: FrameAction, { image, settings, load, model }: Source): DrawJobRequest {
  const { id, width, height } = image;
  // Actions read what a model takes and which sizes it draws; both are as the server's catalogue has them.
  const context = { takes: model?.takes ?? [], sizes: model?.sizes ?? {} } as unknown as RequestContext;
  const request = settings as ActionRequest;
  const made = makeRequest(action, { image: id, width, height, request }, context);
  return {
    kind: "draw",
    request: made as unknown as DrawJobRequest["request"],
    load,
    parent: { image: id, action: action.kind === "upscale" ? "enlarge" : "extend" },
    ...(model && { model: model.id }),
  };
}

export async function runFrameAction(action: FrameAction, images: readonly StoredImage[]): Promise<void> {
  for (const image of images) {
    const source = await getSource(image);
    try {
      await sendJob(
        makeFrameJob(action, { ...source, settings: { ...source.settings, prompt: image.prompt } }),
      );
    } catch (error) {
      notify(error instanceof Error ? error.message : messages().cannotEnlarge, { isError: true });
    }
  }
}
