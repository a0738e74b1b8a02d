"use strict";
// Sorting and filtering of the page's tables. Without this script every table is whole and in order.
(() => {
  const FEW = 2, MANY = 6; // rows from which on a table is sorted, and filtered

  function key(cell) {
    if (cell.dataset.key) return Number(cell.dataset.key);
    const text = cell.firstChild ? cell.firstChild.textContent.trim() : "";
    if (!cell.classList.contains("number")) return text;
    const found = text.replaceAll(",", "").replaceAll("−", "-").match(/[+-]?\d+(\.\d+)?/);
    return found ? Number(found[0]) : null;
  }

  function compare(a, b) {
    return typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  }

  function sorted(rows, column, direction) {
    const keyed = rows.map((row) => ({ row, key: key(row.cells[column]) }));
    const told = keyed.filter((one) => one.key !== null && one.key !== "—");
    const rest = keyed.filter((one) => !told.includes(one)); // without a value: always last
    told.sort((a, b) => direction * compare(a.key, b.key));
    return [...told, ...rest].map((one) => one.row);
  }

  function sortable(table, rows) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.classList.contains("number"); // the largest number first, words from A
        const first = down ? "descending" : "ascending", second = down ? "ascending" : "descending";
        const now = head.getAttribute("aria-sort");
        const next = now === null ? first : now === first ? second : null;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        table.tBodies[0].append(...(next ? sorted(rows, column, next === "ascending" ? 1 : -1) : rows));
      });
    });
    const said = document.createElement("span");
    said.className = "spoken";
    said.textContent = " (column headers with buttons sort)";
    table.caption.append(said);
  }

  function filterable(table, rows) {
    const line = document.createElement("div"), label = document.createElement("label");
    const input = document.createElement("input"), count = document.createElement("output");
    line.className = "filter";
    input.type = "search";
    label.append("Filter rows ", input);
    const name = document.createElement("span");
    name.className = "spoken";
    name.textContent = ` of ${table.caption.textContent}`;
    label.append(name);
    line.append(label, count);
    table.parentElement.before(line);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      const shown = rows.filter((row) => !row.hidden).length;
      count.value = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  }

  function reachable() { // by keyboard, where it scrolls
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) {
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        const named = box.querySelector("caption, svg");
        box.setAttribute("aria-label", named.getAttribute("aria-label") || named.textContent.trim());
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
      }
    }
  }

  for (const table of document.querySelectorAll("table")) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length >= MANY) filterable(table, rows);
    if (rows.length >= FEW) sortable(table, rows);
  }
  reachable();
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true); // a part of the page is opened
})();
