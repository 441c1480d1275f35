export * from "./autoencoder.js";
export * from "./denoiser.js";
export * from "./dit.js";
