// Words that no drawing may represent.
//
// The policy: people are not mapped onto things. A model of toys, animals and food that met "a doctor" or "a
// Muslim" would otherwise draw whatever its text encoder holds nearest, which may be a monkey. A word that is
// nearer to one of these than to any name of a thing is left as it is, and the person is told that the model
// does not know it.

/** People, and groups that people belong to. */
export const peopleWords: readonly string[] = (
  "person people man woman men women boy girl child kid baby father mother husband wife friend human king queen prince " +
  "princess soldier doctor nurse teacher worker farmer policeman politician president athlete dancer singer actor wizard " +
  "witch angel foreigner citizen frenchman englishman german american african asian european indian chinese arab jew muslim " +
  "christian nationality race religion tribe"
).split(" ");

/** What cannot be seen, or is no single thing. */
export const abstractWords: readonly string[] = (
  "city country continent company brand language idea feeling emotion number day month year time colour material shape sport " +
  "action word name"
).split(" ");
