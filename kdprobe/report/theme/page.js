// Paper has no folds: the style opens them too, where a browser lets it.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => (fold.open = true)));
// Makes tables sortable. Without it they are tables all the same.
for (const table of document.querySelectorAll("table:not(.matrix, .plain)")) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  const heads = table.tHead.rows[0].cells;
  // numbers, and intervals by their value, are in cells without a class below no heading of text; they are written with a true minus sign
  const key = (row, i) => {
    const cell = row.cells[i];
    const text = cell.dataset.sort ?? cell.textContent.trim();
    return text !== "" && (cell.dataset.sort || (cell.localName === "td" && !cell.className && heads[i].className)) ? parseFloat(text.replace("−", "-")) : text;
  };
  const compare = (a, b) => {
    // numbers before text, empty cells last whichever way is up
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, "en", { numeric: true });
  };
  [...heads].forEach((heading, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [key(row, i), row]);
      rows.sort(([a], [b]) => (a === "" || b === "" ? (a === "") - (b === "") : up ? compare(a, b) : compare(b, a)));
      body.append(...rows.map(([, row]) => row));
    });
  });
}
