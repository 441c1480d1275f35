export * from "./autoencoder.js";
export * from "./autoencoder-kl.js";
export * from "./autoencoder-kl-config.js";
export * from "./conditional-unet.js";
export * from "./conditional-unet-config.js";
export * from "./denoiser.js";
export * from "./dit.js";
export * from "./tiny-autoencoder.js";
