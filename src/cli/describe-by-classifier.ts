// What `nishiki describe` does. Apart from its command, because its libraries are loaded only when it is asked for.
import { backgroundPhrases, type Question, questions, type StyleName, styleNamed } from "../data/index.js";
import type { deviceNames } from "../engine/index.js";
import { makeEngine } from "../engine/node.js";
import { type Classifier, openClassifier, type Verdict } from "../evaluate/index.js";
import { toRgb } from "../image/index.js";
import { readImage, scaleImage } from "../image/node.js";
import { print } from "./terminal.js";

/** An answer and its probability, 0 to 1. */
export interface Answer {
  readonly name: string;
  readonly probability: number;
}

export type Answers = Readonly<Record<Question, readonly Answer[]>>;

/** How many answers are listed, and from which probability on. */
const mostListed = 3;
const leastListed = 0.05;

/** Below this, an answer does not go into the prompt. */
const sure = 0.5;

/** The likeliest answers to each question. */
export function rankAnswers(verdict: Verdict, classes: Classifier["classes"]): Answers {
  const entries = Object.entries(questions).map(([question, kind]) => {
    const probabilities = [...verdict.answers[question as Question]];
    const ranked = probabilities
      .map((probability, i) => ({ name: classes[kind][i]!, probability }))
      .sort((a, b) => b.probability - a.probability);
    const listed = ranked.slice(0, mostListed).filter(({ probability }) => probability >= leastListed);
    return [question, listed.length === 0 ? ranked.slice(0, 1) : listed];
  });
  return Object.fromEntries(entries) as Answers;
}

/** A thing with its colour, as captions name it: "a red fox". */
function nameThing(thing: string, colour: Answer | undefined): string {
  const said =
    colour && colour.name !== "its own" && colour.probability >= sure ? `${colour.name} ${thing}` : thing;
  return `${/^[aeiou]/.test(said) ? "an" : "a"} ${said}`;
}

/** A prompt of the answers that the classifier is sure of, in the words of the embedded model. */
export function makePrompt(answers: Answers): string {
  const first = (question: Question) => answers[question][0]!;
  const [layout, background, style] = [first("layout"), first("background"), first("style")];
  const parts = [nameThing(first("thing").name, first("colour"))];
  if (layout.name !== "alone" && layout.probability >= sure)
    parts.push(`${layout.name} ${nameThing(first("secondThing").name, first("secondColour"))}`);
  if (background.name !== "none" && background.probability >= sure)
    parts.push(phraseBackground(background.name, first("backgroundColour").name));
  const said = style.probability >= sure ? styleNamed(style.name as StyleName).suffixes[0] : undefined;
  return [parts.join(" "), ...(said === undefined ? [] : [said])].join(", ");
}

function phraseBackground(name: string, colour: string): string {
  const background = { name, colour } as Parameters<typeof backgroundPhrases>[0];
  return backgroundPhrases(background)[0] ?? "";
}

const titles: readonly (readonly [Question, string])[] = [
  ["thing", "Thing"],
  ["colour", "Colour"],
  ["layout", "Layout"],
  ["secondThing", "Second thing"],
  ["secondColour", "Second colour"],
  ["count", "Count"],
  ["background", "Background"],
  ["style", "Style"],
];

function formatAnswers(answers: Answers): string {
  const isAlone = answers.layout[0]!.name === "alone";
  const lines = titles
    .filter(([question]) => !isAlone || !question.startsWith("second"))
    .map(([question, title]) => {
      const list = answers[question].map(
        ({ name, probability }) => `${name} ${Math.round(probability * 100)}%`,
      );
      return `${`${title}:`.padEnd(15)}${list.join(", ")}`;
    });
  return lines.join("\n");
}

export interface DescribeOptions {
  readonly device: (typeof deviceNames)[number];
  readonly threads?: number;
  readonly json?: boolean;
}

/** Prints what the classifier sees in an image, and a prompt. @throws NishikiError "file", "device" */
export async function describeByClassifier(
  file: string,
  { device, threads, json = false }: DescribeOptions,
): Promise<void> {
  const engine = makeEngine({ device, ...(threads !== undefined && { threads }) });
  const classifier = await openClassifier(engine);
  try {
    const { pictureSize: side } = classifier;
    const { data } = toRgb(await scaleImage(await readImage(file), side, side));
    const [verdict] = await classifier.classify([Uint8Array.from(data)]);
    const answers = rankAnswers(verdict!, classifier.classes);
    const prompt = makePrompt(answers);
    if (json) return print(`${JSON.stringify({ kind: "description", file, prompt, answers })}\n`);
    await print(`${prompt}\n\n${formatAnswers(answers)}\n\n`);
    await print(
      "By the embedded model's own classifier, which knows only what that model draws; --model names a CLIP, which knows more.\n",
    );
  } finally {
    await classifier.close();
    await engine.close();
  }
}
