export * from "./autoencoder.js";
export * from "./denoiser.js";
