// Trains the classifier on composed scenes, some of them passed through the generator's autoencoder. Every
// sample measures it on unseen scenes.
import type { CaptionedImage, Scene } from "../data/index.js";
import { labelClasses, labelsOf, type Question, questionNames, questions } from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { trace } from "../graph/index.js";
import { joinGrid } from "../image/index.js";
import { type ClassifierConfig, classify, pixelsFromBytes } from "../models/index.js";
import { random } from "../random/index.js";
import { withAverages } from "./averages-file.js";
import { exportClassifier } from "./classifier-export.js";
import type { ClassifierTrainingConfig } from "./config.js";
import { ImageBatches, type ImageSource } from "./images.js";
import type { State } from "./initial-state.js";
import type { TrainingTask } from "./loop.js";
import { openRoundTrip, type RoundTrip } from "./round-trip.js";
import { writeSheet } from "./sample-sheet.js";
import { classifierBatch, classifierObjective, getClassifierQuestions } from "./tasks/classifier.js";

/**
 * The task of a classifier's run.
 * @throws NishikiError "usage" if images are not scenes or have another size
 */
export async function makeClassifierTask(
  engine: Engine,
  config: ClassifierTrainingConfig,
  source: ImageSource,
): Promise<TrainingTask> {
  const { network, batchSize, seed, samples } = config;
  const { pictureSize: size } = network;
  if (!("scenes" in config.data) || source.size !== size) {
    throw new NishikiError(
      "usage",
      `The classifier trains on scenes of ${size}×${size} pixels, the size in network.pictureSize. ` +
        "Set data.scenes.size to it.",
    );
  }
  const { autoencoder } = config;
  const roundTrip = autoencoder ? await openRoundTrip(engine, autoencoder, size) : undefined;
  const batches = new ImageBatches((from) => source.stream(seed, from), batchSize);
  return {
    objective: (batch) => classifierObjective(network, batch),
    batch: async (step) => {
      const scenes = (await batches.get(step)).map(asScene);
      return classifierBatch(await wear(scenes, roundTrip, config, step), size);
    },
    sample: async (averages, step, folder) => {
      const scenes = (await source.samples(samples)).map(asScene);
      const worn = await wear(scenes.slice(0, 24), roundTrip, config, step);
      const images = worn.map(({ pixels: data }) => ({
        width: size,
        height: size,
        channels: 3 as const,
        data,
      }));
      await writeSheet(folder, step, joinGrid(images, { columns: 6, spacing: 4 }));
      await withAverages(folder, averages, (run) => exportClassifier({ run, network, output: folder }));
      return measure(engine, network, averages, scenes);
    },
    close: async () => {
      await batches.close();
      await roundTrip?.close();
    },
  };
}

function asScene(image: CaptionedImage): Scene {
  return image as Scene; // makeClassifierTask checks that the source gives scenes
}

/**
 * Passes a share of the images through the autoencoder. (seed, step) alone decides which ones, and their
 * noise.
 */
async function wear(
  scenes: readonly Scene[],
  roundTrip: RoundTrip | undefined,
  { autoencoderRoundTrips, latentNoise, seed }: ClassifierTrainingConfig,
  step: number,
): Promise<Scene[]> {
  const numbers = random(seed, "wear", step);
  const worn: Scene[] = [];
  for (const [i, scene] of scenes.entries()) {
    const [chosen, noise] = [numbers.uniform() < autoencoderRoundTrips, numbers.uniform() * latentNoise];
    const index = step * scenes.length + i;
    const pixels =
      chosen && roundTrip ? await roundTrip.run(scene.pixels, { std: noise, seed, index }) : scene.pixels;
    worn.push({ ...scene, pixels });
  }
  return worn;
}

/** Accuracy on each question, over the scenes that have an answer to it. */
async function measure(
  engine: Engine,
  network: ClassifierConfig,
  averages: State,
  scenes: readonly Scene[],
): Promise<Record<string, number>> {
  const batch = 8;
  const { pictureSize: size } = network;
  const program = trace((tracer) => {
    const pixels = pixelsFromBytes(tracer.input("pixels", ["batch", size, size, 3], "u8"));
    return classify(tracer.scope(), pixels, network, getClassifierQuestions(labelClasses)).answers;
  });
  const session = await engine.load(program);
  const [right, total] = [new Map<Question, number>(), new Map<Question, number>()];
  const count = (map: Map<Question, number>, key: Question) => map.set(key, (map.get(key) ?? 0) + 1);
  try {
    for (let from = 0; from < scenes.length; from += batch) {
      const part = scenes.slice(from, from + batch);
      const { pixels } = classifierBatch(part, size);
      const outputs = await session.run({ pixels: pixels!, ...averages });
      for (const [row, { content }] of part.entries()) {
        const labels = labelsOf(content);
        for (const question of questionNames) {
          if (labels[question] === null) continue;
          const classes: readonly string[] = labelClasses[questions[question]];
          const logits = (outputs[question]!.data as Float32Array).subarray(
            row * classes.length,
            (row + 1) * classes.length,
          );
          count(total, question);
          if (classes[logits.indexOf(Math.max(...logits))] === labels[question]) count(right, question);
        }
      }
    }
  } finally {
    await session.close();
  }
  return Object.fromEntries(
    [...total].map(([question, all]) => [question, (right.get(question) ?? 0) / all]),
  );
}
