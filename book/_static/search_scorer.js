// Ranks what the search finds: to Sphinx's own score of a page is added how often, for its length, it says the words
// that are sought. Entries of the glossary, which have an anchor, keep theirs.
var Scorer = {
  score: ([docname, , anchor, , score]) => {
    if (anchor && anchor !== "#") return score;
    const counts = (typeof WORD_COUNTS === "undefined" ? {} : WORD_COUNTS)[docname] ?? {};
    const query = new URLSearchParams(location.search).get("q") ?? "";
    const stems = query.toLowerCase().split(/\W+/).filter(Boolean).map((word) => new Stemmer().stemWord(word));
    return score + 30 * stems.reduce((sum, stem) => sum + Math.log2(1 + (counts[stem] ?? 0)), 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 60,
  partialTitle: 30,
  term: 5,
  partialTerm: 2,
};
