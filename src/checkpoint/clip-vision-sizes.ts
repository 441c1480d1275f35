/**
 * What the shapes of CLIP's image encoders do not say, by the width of the states: OpenAI's ViT-B and L, and OpenCLIP's H and
 * bigG. OpenCLIP's own B and L, which have another activation, need their config.json.
 */
export const publishedEncoders: Readonly<
  Record<number, { readonly heads: number; readonly activation: string }>
> = {
  768: { heads: 12, activation: "quick_gelu" },
  1024: { heads: 16, activation: "quick_gelu" },
  1280: { heads: 16, activation: "gelu" },
  1664: { heads: 16, activation: "gelu" },
};
