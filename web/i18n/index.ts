// The page's texts. A language is one module with every message; a message is a text, or a function of its values. English is
// the model that the others are checked against.
import { signal } from "@preact/signals";
import type { en } from "./en.js";

type Message<M> = M extends string
  ? string
  : M extends (...values: infer Values) => string
    ? (...values: Values) => string
    : { readonly [Name in keyof M]: Message<M[Name]> };
/** The same messages in another language. */
export type Translated<Texts> = { readonly [Name in keyof Texts]: Message<Texts[Name]> };
export type Messages = Translated<typeof en>;

/** To add a language, add its module and a row here. */
export const languages: Readonly<
  Record<string, { readonly name: string; readonly load: () => Promise<Messages> }>
> = {
  en: { name: "English", load: async () => (await import("./en.js")).en },
  de: { name: "Deutsch", load: async () => (await import("./de.js")).de },
};

const storageKey = "nishiki.language";
const current = signal<Messages | undefined>(undefined);
export const language = signal("en");

/** The texts in the chosen language. Components that call it are drawn again when the language changes. */
export const messages = (): Messages => current.value!;

/** Loads a language's texts and uses them from now on. */
export async function setLanguage(code: string, remember = true): Promise<void> {
  const texts = await languages[code]!.load();
  current.value = texts;
  language.value = code;
  document.documentElement.lang = code;
  if (remember) localStorage.setItem(storageKey, code);
}

/** The language chosen before, else the first of the browser's that there is, else English. */
export async function startLanguage(): Promise<void> {
  const preferred = [localStorage.getItem(storageKey) ?? "", ...navigator.languages];
  const code = preferred.map((tag) => tag.split("-")[0]!).find((tag) => tag in languages) ?? "en";
  await setLanguage(code, false);
}

const formats = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>();

function cached<F extends Intl.NumberFormat | Intl.DateTimeFormat>(name: string, make: () => F): F {
  const key = `${language.value} ${name}`;
  const format = (formats.get(key) as F | undefined) ?? make();
  formats.set(key, format);
  return format;
}

export const formatNumber = (value: number, digits = 0) =>
  cached(
    `number ${digits}`,
    () => new Intl.NumberFormat(language.value, { maximumFractionDigits: digits }),
  ).format(value);

export function formatBytes(bytes: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const unit = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"][power]!;
  const value = bytes / 1000 ** power;
  const digits = value < 10 && power > 0 ? 1 : 0;
  return cached(
    `bytes ${unit} ${digits}`,
    () =>
      new Intl.NumberFormat(language.value, {
        style: "unit",
        unit,
        unitDisplay: "short",
        maximumFractionDigits: digits,
      }),
  ).format(value);
}

const formatUnit = (value: number, unit: string) =>
  cached(
    `unit ${unit}`,
    () =>
      new Intl.NumberFormat(language.value, {
        style: "unit",
        unit,
        unitDisplay: "short",
        maximumFractionDigits: 0,
      }),
  ).format(value);

/** A duration with at most two units: "8 sec", "3 min", "1 hr, 20 min". */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 100) return formatUnit(whole, "second");
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return formatUnit(minutes, "minute");
  const hours = formatUnit(Math.floor(minutes / 60), "hour");
  return minutes % 60 === 0 ? hours : `${hours} ${formatUnit(minutes % 60, "minute")}`;
}

const dateFormat = (name: string, options: Intl.DateTimeFormatOptions) =>
  cached(name, () => new Intl.DateTimeFormat(language.value, options));

/** "14:05" today, "Nov 3" this year, "Nov 3, 2025" before. */
export function formatTime(time: string): string {
  const date = new Date(time);
  const now = new Date();
  if (date.toDateString() === now.toDateString())
    return dateFormat("time", { timeStyle: "short" }).format(date);
  if (date.getFullYear() === now.getFullYear())
    return dateFormat("day", { day: "numeric", month: "short" }).format(date);
  return dateFormat("date", { dateStyle: "medium" }).format(date);
}

export const formatDateTime = (time: string) =>
  dateFormat("long", { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

/** Chooses a text by the number's plural form in a language. "#" becomes the number. */
export function plural(
  code: string,
  count: number,
  forms: Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string },
): string {
  const form = new Intl.PluralRules(code).select(count);
  return (forms[form] ?? forms.other).replace("#", new Intl.NumberFormat(code).format(count));
}
