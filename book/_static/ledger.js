// Sorts the ledger of claims by verdict or by chapter. The table is complete without it; nothing is fetched.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.claim-ledger");
  const body = table?.tBodies[0];
  if (!body) return;
  const heads = [...table.tHead.rows[0].cells];
  const verdict = heads.findIndex((head) => head.textContent.trim() === "Verdict");
  const rows = [...body.rows]; // the book's order
  const verdicts = ["holds", "holds, with a condition", "does not hold"];
  const keys = new Map([
    [verdict, (row) => verdicts.indexOf(row.cells[verdict].textContent.trim())],
    [heads.length - 1, (row) => rows.indexOf(row)],
  ]);

  const sort = (column, direction) => {
    const sign = direction === "ascending" ? 1 : -1;
    const key = keys.get(column);
    body.append(...[...rows].sort((a, b) => sign * (key(a) - key(b)) || rows.indexOf(a) - rows.indexOf(b)));
    for (const k of keys.keys()) heads[k].removeAttribute("aria-sort");
    heads[column].setAttribute("aria-sort", direction);
  };

  for (const column of keys.keys()) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    const text = heads[column].querySelector("p") ?? heads[column];
    button.append(...text.childNodes);
    text.append(button);
    button.addEventListener("click", () => {
      sort(column, heads[column].getAttribute("aria-sort") === "ascending" ? "descending" : "ascending");
    });
  }
  heads.at(-1).setAttribute("aria-sort", "ascending");
});
