// The package color-name has no types of its own.
declare module "color-name" {
  /** CSS's colour keywords, in small letters, as red, green and blue, each 0 to 255. */
  const keywords: Readonly<Record<string, readonly [number, number, number]>>;
  export default keywords;
}
