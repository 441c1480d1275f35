import { InvalidArgumentError } from "commander";

/** Reads an option that is a whole number of at least `least`. */
export const wholeNumberFrom = (least: number) => (text: string) => {
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
};

/** Reads an option that is a number within [from, to]. */
export const numberFromTo = (from: number, to: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== "" && value >= from && value <= to) return value;
  throw new InvalidArgumentError(`Expected a number from ${from} to ${to}.`);
};
