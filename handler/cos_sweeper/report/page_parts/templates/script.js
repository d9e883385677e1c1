(function () {
"use strict";
var page = document.documentElement, open = [];
function all(selector, root) { return Array.from((root || document).querySelectorAll(selector)); }
function by(id) { return document.getElementById(id); }
function on(id, event, action) { var one = by(id); if (one) one.addEventListener(event, action); }
/* A page from a disk may have no storage. */
function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(name);
    localStorage.setItem(name, value);
  } catch (error) { return null; }
  return value;
}

all("[hidden].controls, [hidden].tools, [hidden].sliders, [hidden].copy, [hidden].fold").forEach(function (one) { one.hidden = false; });

function speak(language) {
  page.dataset.l = language;
  page.lang = language === "zh" ? "zh-CN" : "en";
  all("[data-zh]").forEach(function (one) {
    one.dataset.en = one.dataset.en || one.placeholder;
    one.placeholder = one.dataset[language];
  });
  say();
}
on("language", "click", function () {
  var language = page.dataset.l === "zh" ? "en" : "zh";
  stored("cos-sweeper-language", language);
  speak(language);
});
on("theme", "click", function () {
  var dark = page.dataset.theme ? page.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  page.dataset.theme = dark ? "light" : "dark";
  stored("cos-sweeper-theme", page.dataset.theme);
});
on("print", "click", function () { print(); });
addEventListener("beforeprint", function () {
  open = all("details:not([open]):not(.table):not(.how)");
  open.forEach(function (one) { one.open = true; });
});
addEventListener("afterprint", function () { open.forEach(function (one) { one.open = false; }); });

/* Tables sort by the number in data-v, else by their text. */
function value(row, column) {
  var cell = row.cells[column], number = cell.dataset.v;
  return number === undefined ? cell.textContent.trim() : Number(number);
}
function sort(head, column) {
  var up = head.getAttribute("aria-sort") === "descending", body = head.closest("table").tBodies[0];
  all("th", head.parentNode).forEach(function (one) { one.removeAttribute("aria-sort"); });
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  Array.from(body.rows).map(function (row) { return [value(row, column), row]; }).sort(function (a, b) {
    var order = typeof a[0] === "number" ? a[0] - b[0] : a[0].localeCompare(b[0]);
    return up ? order : -order;
  }).forEach(function (pair) { body.append(pair[1]); });
  fold(head.closest("table"));
}
all("table[data-sort] thead th:not([data-plain])").forEach(function (head) {
  var button = document.createElement("button");
  button.type = "button";
  button.append.apply(button, Array.from(head.childNodes));
  button.addEventListener("click", function () { sort(head, head.cellIndex); });
  head.append(button);
});

/* A long table shows its first rows until it is opened or searched. */
function fold(table) {
  var button = document.querySelector("[data-fold=" + table.id + "]");
  if (!button) return;
  Array.from(table.tBodies[0].rows).forEach(function (row, number) {
    row.classList.toggle("folded", !button.hidden && number >= Number(button.dataset.first));
  });
}
all("[data-fold]").forEach(function (button) {
  var table = by(button.dataset.fold);
  button.addEventListener("click", function () { button.hidden = true; fold(table); });
  fold(table);
});

/* Filters. A row of the tree stays while it or a row below it matches. */
function keep(rows, matches) {
  var count = 0;
  rows.forEach(function (row) { row.hidden = !matches(row); count += !row.hidden; });
  return count;
}
function keepBranches(rows, words) {
  return keep(rows.reverse(), function (row) {
    var own = row.querySelector(".name").textContent.toLowerCase().includes(words);
    var below = all(":scope > details > ul > li", row), inside = below.some(function (one) { return !one.hidden; });
    if (own) all("li", row).forEach(function (one) { one.hidden = false; });
    if (words && inside && !own) row.querySelector("details").open = true;
    return own || inside;
  });
}
all("input[data-of]").forEach(function (input) {
  input.addEventListener("input", function () {
    var words = input.value.toLowerCase(), of = by(input.dataset.of);
    var rows = of.tBodies ? Array.from(of.tBodies[0].rows) : all("li", of), tools = input.closest(".tools");
    var button = document.querySelector("[data-fold=" + of.id + "]");
    if (button) button.hidden = button.hidden || Boolean(words);
    if (button) fold(of);
    var count = of.tBodies ? keep(rows, function (row) {
      return row.textContent.toLowerCase().includes(words);
    }) : keepBranches(rows, words);
    tools.querySelector("output").textContent = words && count ? count + " / " + rows.length : "";
    tools.querySelector(".none").hidden = count > 0;
    all(".all", of).forEach(function (one) { one.hidden = Boolean(words); });
  });
});
function openAll(state) { return function () { all("#tree details:not(.long)").forEach(function (one) { one.open = state; }); }; }
on("open", "click", openAll(true));
on("close", "click", openAll(false));

/* The sliders choose a field of the table, whose sentence is read out. */
function say() {
  var age = by("by-age"), idle = by("by-idle"), rows, heads, field;
  if (!age) return;
  rows = all(".policies tbody tr");
  heads = all(".policies thead th");
  all(".policies .chosen").forEach(function (one) { one.classList.remove("chosen"); });
  field = rows[age.value].cells[Number(idle.value) + 1];
  field.classList.add("chosen");
  all("output[for=by-age]")[0].replaceChildren.apply(all("output[for=by-age]")[0], copies(rows[age.value].cells[0]));
  all("output[for=by-idle]")[0].replaceChildren.apply(all("output[for=by-idle]")[0], copies(heads[Number(idle.value) + 1]));
  by("said").replaceChildren.apply(by("said"), copies(field.querySelector(".say")));
}
function copies(one) { return Array.from(one.cloneNode(true).childNodes); }
on("by-age", "input", say);
on("by-idle", "input", say);
all(".policies td").forEach(function (field) {
  field.addEventListener("click", function () {
    by("by-age").value = field.parentNode.rowIndex - 1;
    by("by-idle").value = field.cellIndex - 1;
    say();
  });
});

/* A link to records opens the command that finds them, where the reader is. */
document.addEventListener("click", function (event) {
  var link = event.target.closest("a[data-q]"), name;
  if (!link) return;
  event.preventDefault();
  name = link.querySelector(".vh");
  by("command-of").replaceChildren.apply(by("command-of"), copies(link.matches(".go, .find") ? link : name).filter(function (one) {
    return one.nodeName !== "svg";
  }));
  all("#command-of .vh").forEach(function (one) { one.classList.remove("vh"); });
  ["n", "max"].forEach(function (kind) {
    by("command-" + kind).hidden = !(kind in link.dataset);
    all("#command-" + kind + " .count").forEach(function (one) { one.textContent = link.dataset[kind]; });
  });
  by("query").textContent = link.dataset.q;
  by("command").showModal();
});
on("command-close", "click", function () { by("command").close(); });
all("button.copy").forEach(function (button) {
  button.addEventListener("click", function () {
    var text = by(button.dataset.of), range = document.createRange();
    range.selectNodeContents(text);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (navigator.clipboard) navigator.clipboard.writeText(text.textContent).catch(function () {});
  });
});

if (stored("cos-sweeper-theme")) page.dataset.theme = stored("cos-sweeper-theme");
if (location.hash === "#dark" || location.hash === "#light") page.dataset.theme = location.hash.slice(1);
speak(stored("cos-sweeper-language") || (location.hash === "#zh" || /^zh/.test(navigator.language) ? "zh" : "en"));
})();
