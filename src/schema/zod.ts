// The schema library, extended with the metadata that this project's declarations carry.
import { z } from "zod";

declare module "zod" {
  interface GlobalMeta {
    /**
     * The accepted values, if the type does not describe them: "a size such as 512x768". Completes "expected
     * …".
     */
    expected?: string;
    /** The default in words, for help texts, if it depends on other settings. */
    defaultText?: string;
    /** The command-line option, as in "-s, --steps <number>". */
    flag?: string;
    /** Command-line aliases that help texts leave out: "--negative". */
    aliases?: readonly string[];
    /** Whether the value is an image: pixels, a file or a reference, depending on the declaration. */
    isImage?: boolean;
    /** For objects: former names of fields and their present names, which error messages mention. */
    renamed?: Readonly<Record<string, string>>;
  }
}

export { z };
