// What of an image goes back into the prompt bar.
import { messages } from "../i18n/index.js";
import { changeDraft, recall } from "../store/draft.js";
import { notify } from "../store/notices.js";
import type { Action } from "./registry.js";

export const recalling: readonly Action[] = [
  {
    id: "recall.all",
    section: "image",
    title: (texts) => texts.recallAll,
    keys: ["a"],
    icon: "undo",
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["prompt", "seed", "size", "settings", "model"]);
      notify(messages().recalledAll);
    },
  },
  {
    id: "recall.remix",
    section: "image",
    title: (texts) => texts.remix,
    keys: ["r"],
    icon: "edit",
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["prompt", "size", "settings", "model"]);
      changeDraft({ seed: null });
      notify(messages().recalledRemix);
    },
  },
  {
    id: "recall.prompt",
    section: "image",
    title: (texts) => texts.recallPrompt,
    keys: ["p"],
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["prompt"]);
      notify(messages().recalledPrompt);
    },
  },
  {
    id: "recall.seed",
    section: "image",
    title: (texts) => texts.recallSeed,
    keys: ["s"],
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["seed"]);
      notify(messages().recalledSeed(String(image!.seed)));
    },
  },
  {
    id: "recall.size",
    section: "image",
    title: (texts) => texts.recallSize,
    keys: ["d"],
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["size"]);
      notify(messages().recalledSize(image!.width, image!.height));
    },
  },
];
