// Adds the words of the training captions to the folder of a model trained on scenes of all things, such as
// the embedded one: words.safetensors, and "words" in model.json. Training runs do so already.
//
//     npm run build && node scripts/make-words.mjs [MODEL_FOLDER]
import { makeEngine } from "../dist/engine/node.js";
import { embeddedMix } from "../dist/evaluate/index.js";
import { addWords, knowWords } from "../dist/training/words-export.js";

const [model = "weights"] = process.argv.slice(2);
const engine = makeEngine({ device: "cpu" });
const known = await knowWords(engine, embeddedMix, 32);
await addWords(model, known);
await engine.close();
console.log(`${known.words.size} words, ${known.names.length} names`);
