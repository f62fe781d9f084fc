// Ranks what the search finds: to Sphinx's own scores is added how often, in a thousand words, the page says
// those that are sought.
var Scorer = {
  score: ([docname, , , , score]) => {
    const counts = (typeof WORD_COUNTS === "undefined" ? {} : WORD_COUNTS)[docname] ?? {};
    const query = new URLSearchParams(location.search).get("q") ?? "";
    const stems = query.toLowerCase().split(/\W+/).filter(Boolean).map((word) => new Stemmer().stemWord(word));
    return score + 30 * stems.reduce((sum, stem) => sum + Math.log2(1 + (counts[stem] ?? 0)), 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
