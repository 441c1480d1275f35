// The schema library, with what declarations of this project say beside the type.
import { z } from "zod";

declare module "zod" {
  interface GlobalMeta {
    /** What a value must be, where the type does not say it: "a size such as 512x768". Completes "expected …". */
    expected?: string;
    /** The default in words, for help texts, where it depends on other settings. */
    defaultText?: string;
    /** The option of the command line, as in "-s, --steps <number>". */
    flag?: string;
    /** Other options of the command line with the same meaning, which help texts leave out: "--negative". */
    aliases?: readonly string[];
    /** Whether the value is an image: its pixels, its file or a reference to it, as the declaration has it. */
    isImage?: boolean;
    /** Of an object: names that fields had before, and their present ones. Errors say so. */
    renamed?: Readonly<Record<string, string>>;
  }
}

export { z };
