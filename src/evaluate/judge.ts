// A trained judge, ready to be asked what images show.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, openWeights } from "../checkpoint/node.js";
import { type LabelClasses, type Question, questionNames, questions } from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { trace } from "../graph/index.js";
import { classifierSchema, judge, pixelsFromBytes } from "../models/index.js";
import { embeddedModel, hashFile } from "../pipeline/node.js";
import { parse, z } from "../schema/index.js";
import { getJudgeQuestions } from "../training/index.js";

/** The judge that comes with the package. */
export const packagedJudge = join(embeddedModel, "judge");

/** What a judge says of one image. */
export interface Verdict {
  /** The probability of each answer, in the order of the judge's classes. */
  readonly answers: Readonly<Record<Question, Float32Array>>;
  /** For distances of images. */
  readonly features: Float32Array;
}

export interface Judge {
  readonly pictureSize: number;
  readonly classes: LabelClasses;
  readonly sha256: string;
  /** @param images `[size, size, 3]` bytes each */
  judge(images: readonly Uint8Array[]): Promise<Verdict[]>;
  close(): Promise<void>;
}

const names = z.array(z.string()).min(1).readonly();

/** `judge.json` beside the weights. */
const descriptionSchema = z.strictObject({
  format: z.literal(1),
  kind: z.enum(["judge", "classifier"]),
  /** Beside the description. */
  file: z.string().regex(/^[^/\\]+\.safetensors$/),
  sha256: z.string(),
  config: classifierSchema,
  classes: z.strictObject({
    thing: names,
    colour: names,
    style: names,
    background: names,
    backgroundColour: names,
    count: names,
    layout: names,
  }),
});

type Description = z.infer<typeof descriptionSchema>;

async function readDescription(folder: string): Promise<Description> {
  const path = join(folder, "judge.json");
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read the judge ${path}`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NishikiError("checkpoint", `${path} cannot be used: it is not valid JSON.`, { cause });
  }
  return parse(descriptionSchema, value, {
    name: "the description",
    code: "checkpoint",
    prefix: `${path}: `,
  });
}

/** Opens a folder that a judge's run wrote. @throws NishikiError "file", "checkpoint" */
export async function openJudge(engine: Engine, folder: string = packagedJudge): Promise<Judge> {
  const { file, sha256, config, classes } = await readDescription(folder);
  const path = join(folder, file);
  if ((await hashFile(path)) !== sha256) {
    throw new NishikiError(
      "checkpoint",
      `${path} is not the file that judge.json means. Copy the judge anew.`,
    );
  }
  const { pictureSize: size } = config;
  const program = trace((tracer) => {
    const pixels = pixelsFromBytes(tracer.input("pixels", ["batch", size, size, 3], "u8"));
    const { answers, features } = judge(tracer.scope(), pixels, config, getJudgeQuestions(classes));
    return { ...answers, features };
  });
  const session = await engine.load(program, { weights: await openWeights(path) });
  const ask = async (images: readonly Uint8Array[]): Promise<Verdict[]> => {
    const pixels = new Uint8Array(images.length * size * size * 3);
    for (const [i, image] of images.entries()) pixels.set(image, i * size * size * 3);
    const shape = [images.length, size, size, 3];
    const said = await session.run({ pixels: { dtype: "u8", shape, data: pixels } });
    const row = (name: string, i: number) => {
      const { data, shape } = said[name]!;
      return (data as Float32Array).slice(i * shape[1]!, (i + 1) * shape[1]!);
    };
    return images.map((_, i) => ({
      answers: Object.fromEntries(
        questionNames.map((name) => [name, softmax(row(name, i))]),
      ) as Verdict["answers"],
      features: row("features", i),
    }));
  };
  return {
    pictureSize: size,
    classes,
    sha256,
    // One image at a time: what is said of it must not depend on those beside it.
    judge: async (images) => {
      const verdicts: Verdict[] = [];
      for (const image of images) verdicts.push(...(await ask([image])));
      return verdicts;
    },
    close: () => session.close(),
  };
}

function softmax(logits: Float32Array): Float32Array {
  const most = Math.max(...logits);
  const raised = logits.map((value) => Math.exp(value - most));
  const sum = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / sum);
}

/** The place of an answer among those of a question; -1 where the judge does not know it. */
export function classOf(classes: LabelClasses, question: Question, answer: string): number {
  const names: readonly string[] = classes[questions[question]];
  return names.indexOf(answer);
}
