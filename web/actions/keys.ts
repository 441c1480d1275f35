// Keys: from a keyboard event to the action that has it.
import { sheet, targets, viewed } from "../store/ui.js";
import { actions, isPossible } from "./registry.js";

/** The combination as actions write it: "ctrl+shift+enter". Cmd counts as ctrl. */
export function getCombination({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): string {
  const name = key === " " ? "space" : key.toLowerCase();
  // A sign that needs shift, such as "?" or "+", is itself the combination.
  const isSign = key.length === 1 && !/[\p{L}\p{N} ]/u.test(key);
  const parts = [(ctrlKey || metaKey) && "ctrl", altKey && "alt", shiftKey && !isSign && "shift", name];
  return parts.filter(Boolean).join("+");
}

const isEditable = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(target.type)));

/** Keys that a focused button or link uses itself. */
const isUsedByControl = (event: KeyboardEvent) =>
  ["Enter", " "].includes(event.key) &&
  !event.ctrlKey &&
  !event.metaKey &&
  event.target instanceof Element &&
  event.target.closest("button, a, summary, [role=option], [role=menuitem]") !== null;

/** Whether a combination may act while a text is being written: with ctrl or alt, not a bare letter. */
const worksInText = (combination: string) => /^(ctrl|alt)\+/.test(combination);

/** Listens to the keys of all actions. */
export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const combination = getCombination(event);
    if (isEditable(event.target) && !worksInText(combination)) return;
    if (isUsedByControl(event)) return;
    // A sheet or dialog has the keyboard to itself; the viewer shares it.
    const dialog = document.querySelector("dialog:modal:not(.viewer)");
    if (dialog && combination !== "ctrl+k") return;
    const context = { images: targets.peek() };
    const action = actions.peek().find((one) => one.keys?.includes(combination) && isPossible(one, context));
    if (!action || (sheet.peek() && viewed.peek() && dialog)) return;
    event.preventDefault();
    action.run(context);
  });
}

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
const signs: Readonly<Record<string, string>> = {
  ctrl: isMac ? "⌘" : "Ctrl",
  alt: isMac ? "⌥" : "Alt",
  shift: "⇧",
  enter: "↵",
  arrowleft: "←",
  arrowright: "→",
  arrowup: "↑",
  arrowdown: "↓",
  escape: "Esc",
  delete: "Del",
  space: "␣",
};

/** A combination as keys are labelled. */
export const getKeyLabels = (combination: string): readonly string[] =>
  combination === "+" ? ["+"] : combination.split("+").map((key) => signs[key] ?? key.toUpperCase());
