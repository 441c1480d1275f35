// How texts are cut into words for the search: the same way when an image is stored and when it is looked for.

/** Words of one text that are kept; longer prompts are found by their first words. */
const mostWords = 2000;
const longestWord = 60;

/** Scripts without spaces between words: each character is a word. */
const word = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}]/u;
const alone = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** The words of a text in their order, in lower case and without accents: "Blue-green Café" → blue, green, cafe. */
export function splitWords(text: string): string[] {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{Mn}/gu, "")
    .normalize("NFKC")
    .toLowerCase();
  const words: string[] = [];
  let current = "";
  const finish = () => {
    if (current !== "") words.push(current.slice(0, longestWord));
    current = "";
  };
  for (const character of plain) {
    const isAlone = alone.test(character);
    if (isAlone || !word.test(character)) finish();
    if (isAlone) words.push(character);
    else if (word.test(character)) current += character;
    if (words.length >= mostWords) return words;
  }
  finish();
  return words;
}
