// The model that a LoRA was trained for, in the metadata of files that Nishiki writes. Where kohya-ss/sd-scripts
// (library/train_util.py) and Stability's ModelSpec 1.0 have a name for something, it is under theirs, so that other
// programs show it.

/** A model that LoRAs are trained for and applied to. */
export interface LoraBase {
  readonly name: string;
  readonly version: string;
  /** Undefined in LoRAs of earlier versions, which recorded only the name and version. */
  readonly weights: BaseWeights | undefined;
}

export interface BaseWeights {
  /** SHA-256 of the files. */
  readonly denoiser: string;
  readonly autoencoder: string;
  /**
   * Digest of the autoencoder's encoder, which alone decides what latents mean: a new decoder draws the same latents.
   * Undefined for a model without one.
   */
  readonly encoder: string | undefined;
}

const keys = {
  architecture: "modelspec.architecture",
  denoiser: "ss_new_sd_model_hash",
  autoencoder: "ss_new_vae_hash",
  encoder: "nishiki.encoder_hash",
} as const;

type Metadata = Readonly<Record<string, string>>;

export function writeLoraBase({ name, version, weights }: LoraBase): Metadata {
  return {
    format: "nishiki",
    [keys.architecture]: `nishiki/${name} ${version}/lora`,
    ss_sd_model_name: name,
    ss_base_model_version: version,
    ...(weights && { [keys.denoiser]: weights.denoiser, [keys.autoencoder]: weights.autoencoder }),
    ...(weights?.encoder !== undefined && { [keys.encoder]: weights.encoder }),
  };
}

/** @returns undefined for a LoRA that Nishiki did not train */
export function readLoraBase(metadata: Metadata): LoraBase | undefined {
  if (metadata.format !== "nishiki") return undefined;
  // Earlier versions wrote only this entry.
  const [, name, version] =
    /^nishiki\/(.{1,200}) (\S{1,100})\/lora$/.exec(metadata[keys.architecture] ?? "") ?? [];
  if (name === undefined || version === undefined) return undefined;
  const [denoiser, autoencoder, encoder] = [keys.denoiser, keys.autoencoder, keys.encoder].map((key) =>
    /^[0-9a-f]{16,64}$/.test(metadata[key] ?? "") ? metadata[key] : undefined,
  );
  const weights =
    denoiser !== undefined && autoencoder !== undefined && encoder !== undefined
      ? { denoiser, autoencoder, encoder }
      : undefined;
  return { name, version, weights };
}

/** "nishiki-small 0.6.0" */
export function getBaseTitle({ name, version }: LoraBase): string {
  return `${name} ${version}`;
}
