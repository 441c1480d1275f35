// Rejects options of other programs, and names Nishiki's equivalents.
import { type Command, Option } from "commander";
import { NishikiError } from "../errors.js";

const hints: Readonly<Record<string, string>> = {
  "--width": "--size WIDTHxHEIGHT",
  "--height": "--size WIDTHxHEIGHT",
  "--resolution": "--size WIDTHxHEIGHT",
  "--cfg": "--guidance",
  "--cfg-scale": "--guidance",
  "--guidance-scale": "--guidance",
  "--batch": "--count",
  "--batch-size": "--count",
  "--batch-count": "--count",
  "--num-images": "--count",
  "--n-iter": "--count",
  "--num-inference-steps": "--steps",
  "--denoising-strength": "--strength",
  "--init-image": "--image",
  "--init-img": "--image",
  "--sampling-method": "--sampler",
  "--scheduler": "--sampler, or --schedule for the spacing of its steps",
  "--subseed": "--variation-seed",
  "--subseed-strength": "--variation-strength",
  "--tiling": "--seamless",
  "--textual-inversion": "--embedding",
  "--outdir": "--output",
};

/** Adds hidden options that name the right option. */
export function addOptionHints(command: Command): void {
  for (const [flag, cure] of Object.entries(hints)) {
    const refuse = () => {
      throw new NishikiError("usage", `There is no option ${flag} here; use ${cure}.`);
    };
    command.addOption(new Option(`${flag} [value]`).hideHelp().argParser(refuse).preset(""));
  }
}
