// Every parameter of Midjourney's: what it does here, or why nothing here can stand for it. docs/prompts.md has the same table.

import type { Apply } from "./draft.js";
import { honoured } from "./honoured.js";
import { refused, service } from "./without-counterpart.js";

export interface Parameter {
  /** The first is its full name. */
  readonly names: readonly string[];
  readonly apply: Apply;
  /** Given twice, both count; of others, the last one does. */
  readonly isList?: boolean;
}

export const parameterTable: readonly Parameter[] = [...honoured, ...refused];

export const findParameter = (name: string): Parameter | undefined =>
  parameterTable.find(({ names }) => names.includes(name));

export const isServiceName = (name: string): boolean => service.includes(name);
export const parameterNames: readonly string[] = [
  ...parameterTable.flatMap(({ names }) => names),
  ...service,
];
export const isParameterName = (name: string): boolean => parameterNames.includes(name);
