// What parameters make of a request, and how they read their values.
import { NishikiError } from "../../../errors.js";
import type { FileRequest, OptionalSetting } from "../../image-request.js";
import type { RequestContext } from "../../request-context.js";

/** Settings, with images by their files or ids. */
export type ParameterSettings = { -readonly [K in keyof FileRequest]?: FileRequest[K] };

export interface Draft {
  readonly settings: ParameterSettings;
  readonly notices: string[];
  repeat: number;
  /** How many steps, in shares of the model's usual number. */
  stepFactor: number;
  isSmall: boolean;
  /** Weights of image prompts and of style images, in the place of the models' own. */
  imageWeight?: number;
  styleWeight?: number;
  /** Weights of single images, as in "a.png::2", which count by their share of the sum. */
  readonly shares: { imagePrompt: number[]; styleReference: number[] };
  /** The model that the user calls so. */
  model?: string;
}

export interface Help {
  readonly context: RequestContext;
  /** Names of models for --v and --niji, such as "niji 6", and what the user means by them. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** @returns What the parameter does here, in a sentence. @throws NishikiError "usage" for what cannot be honoured */
export type Apply = (value: string, draft: Draft, help: Help) => string;

export const refuse = (name: string, reason: string) => new NishikiError("usage", `--${name}: ${reason}`);

/** @throws NishikiError "usage" with what was expected */
export function expected(name: string, what: string, value: string): never {
  const end = /\s/.test(value) ? " Parameters stand at the end of a prompt, after all of its words." : "";
  throw refuse(name, `expected ${what}, got "${value}".${end}`);
}

export function readNumber(name: string, value: string, from: number, to: number): number {
  const number = /^-?(?:\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : Number.NaN;
  return number >= from && number <= to ? number : expected(name, `a number from ${from} to ${to}`, value);
}

export const readWhole = (name: string, value: string, from: number, to: number): number =>
  Number.isInteger(Number(value))
    ? readNumber(name, value, from, to)
    : expected(name, `a whole number from ${from} to ${to}`, value);

/** A parameter without a value. */
export function readFlag(name: string, value: string): void {
  if (value !== "") expected(name, "nothing after it", value);
}

/** @throws NishikiError "usage" unless the model takes a setting */
export function needs({ context }: Help, setting: OptionalSetting, name: string): void {
  if (context.takes.includes(setting)) return;
  const cure = context.cures?.[setting];
  const reason = cure === undefined ? "" : `; ${cure}`;
  throw refuse(name, `this model does not support it${reason}. Leave it out, or choose another model.`);
}

/** What nothing was asked of yet. */
export const makeDraft = (): Draft => ({
  settings: {},
  notices: [],
  repeat: 1,
  stepFactor: 1,
  isSmall: false,
  shares: { imagePrompt: [], styleReference: [] },
});

/** "a.png::2" is an image and its share; without a number, it is 1. */
export function splitShare(word: string): { readonly name: string; readonly share: number } {
  const [, name = word, share] = /^(.*?)::([+-]?(?:\d+\.?\d*|\.\d+))?$/.exec(word) ?? [];
  return { name, share: share === undefined ? 1 : Number(share) };
}

/** A file of an image, or the id of one that a server holds. */
export const isImageName = (word: string): boolean =>
  !isLink(word) && (/^[^<>|]*\.(?:png|jpe?g|webp|avif|gif)$/i.test(word) || /^[0-9a-f]{64}$/.test(word));

export const isLink = (word: string): boolean => /^(?:https?:\/\/|<https?:\/\/)/i.test(word);
