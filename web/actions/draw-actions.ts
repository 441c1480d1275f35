// The actions of the prompt bar and the queue.
import { changeDraft, drawDraft } from "../store/draft.js";
import { cancelAll, cancelJob, isQueuePaused, queue, running, setQueuePaused } from "../store/jobs.js";
import { viewed } from "../store/ui.js";
import { closeViewer } from "../viewer/open.js";
import type { Action } from "./registry.js";

export const drawing: readonly Action[] = [
  {
    id: "draw",
    section: "draw",
    title: (texts) => texts.draw,
    keys: ["ctrl+enter"],
    icon: "sparkle",
    run: () => drawDraft(),
  },
  {
    id: "draw.first",
    section: "draw",
    title: (texts) => texts.drawFirst,
    keys: ["ctrl+shift+enter"],
    icon: "first",
    run: () => drawDraft({ first: true }),
  },
  {
    id: "prompt.focus",
    section: "draw",
    title: (texts) => texts.writePrompt,
    keys: ["alt+a"],
    run: () => {
      if (viewed.peek()) closeViewer();
      document.getElementById("prompt")?.focus();
    },
  },
  {
    id: "prompt.clear",
    section: "draw",
    title: (texts) => texts.clearPrompt,
    run: () => {
      changeDraft({ prompt: "", negativePrompt: "" });
      document.getElementById("prompt")?.focus();
    },
  },
  {
    id: "seed.random",
    section: "draw",
    title: (texts) => texts.unlockSeed,
    run: () => changeDraft({ seed: null }),
  },
];

export const queueing: readonly Action[] = [
  {
    id: "queue.cancel",
    section: "queue",
    title: (texts) => texts.cancelRunning,
    keys: ["shift+x"],
    icon: "close",
    when: () => running.peek().length > 0,
    run: () => running.peek().forEach(cancelJob),
  },
  {
    id: "queue.cancelAll",
    section: "queue",
    title: (texts) => texts.cancelAllLong,
    keys: ["ctrl+shift+x"],
    when: () => running.peek().length + queue.peek().length > 0,
    run: () => cancelAll(),
  },
  {
    id: "queue.pause",
    section: "queue",
    title: (texts) => (isQueuePaused.value ? texts.resumeQueue : texts.pauseQueue),
    icon: "pause",
    run: () => setQueuePaused(!isQueuePaused.peek()),
  },
];
