// How much of a prompt a model reads at a time: for interfaces that count while a person writes.

export interface TokenCount {
  /** Tokens of the prompt, without the marks at the ends of a text. */
  readonly tokens: number;
  /** Texts that the model reads it as. */
  readonly parts: number;
  /** Tokens that one text has room for: 75 of CLIP's 77. */
  readonly room: number;
}
