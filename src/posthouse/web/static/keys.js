// The keyboard, as people know it from Gmail. What a key does beyond moving around is said by the page: a key presses
// what has it as `data-key`, in the conversation or the list that is shown.
import { clearChoice, showChoice, chosen } from "./act.js";
import { current, open } from "./open.js";
import { undoLast } from "./toast.js";

const PLACES = { i: "/", d: "draft", t: "sent", a: "archive", s: "/search?q=is%3Astarred" };
let first = ""; // the first of two keys: "g", "*"
let timer = 0;

const rows = () => [...document.querySelectorAll(".list .row")];
const focused = () => document.activeElement?.closest?.(".row") ?? document.querySelector(".row.at");

function goTo(row) {
  if (!row) return;
  for (const one of document.querySelectorAll(".row.at")) one.classList.remove("at");
  row.classList.add("at");
  const link = row.querySelector(".open");
  if (current()) open(link, { replace: true });
  else link.focus();
}

function step(by) {
  const all = rows();
  const shown = current();
  const here = shown ? all.find((one) => one.dataset.pick === shown.dataset.pick) : focused();
  const at = all.indexOf(here);
  goTo(at < 0 ? (by > 0 ? all[0] : all.at(-1)) : all[at + by]);
}

function stepLetter(by) {
  const letters = [...(current()?.querySelectorAll(".letter") ?? [])];
  const at = letters.findIndex((one) => one.contains(document.activeElement));
  const next = letters[at < 0 ? (by > 0 ? 0 : letters.length - 1) : at + by];
  next?.querySelector(".unfold, summary")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const scope = current() ?? document.querySelector(".list:not([hidden])") ?? document;
  const button = scope.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? document.querySelector(`:not(.acts) > [data-key="${CSS.escape(key)}"]`);
  if (!button) return false;
  // In a list without a choice, a key means the row at which one is.
  const row = focused();
  if (!current() && button.form?.id === "of-list" && row && !chosen().length) {
    row.querySelector("input[name=pick]").checked = true;
    showChoice();
  }
  button.click();
  return true;
}

function place(key) {
  const wanted = PLACES[key];
  if (!wanted) return;
  const link = [...document.querySelectorAll(".side a")].find((one) => one.getAttribute("href") === wanted || one.querySelector(`use[href$="#${wanted}"]`));
  if (link) link.click();
  else if (wanted.startsWith("/")) location.assign(wanted);
}

const SINGLE = {
  j: () => step(1),
  k: () => step(-1),
  o: () => focused()?.querySelector(".open").click(),
  n: () => stepLetter(1),
  p: () => stepLetter(-1),
  x: () => focused()?.querySelector("input[name=pick]").click(),
  z: undoLast,
  "/": () => document.querySelector(".search input").focus(),
  "?": () => document.getElementById("keys").showModal(),
  Escape: () => {
    document.getElementById("toasts").replaceChildren();
    clearChoice();
  },
};
const DOUBLE = {
  g: place,
  "*": (key) => {
    for (const box of document.querySelectorAll(".row input[name=pick]")) box.checked = key === "a";
    showChoice();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  const target = event.target;
  if (target.isContentEditable || target.closest?.("input:not([type=checkbox]), textarea, select, dialog[open]")) {
    if (event.key === "Escape" && target.matches?.(".search input")) target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  const key = event.key;
  if (first) {
    const then = DOUBLE[first];
    first = "";
    clearTimeout(timer);
    event.preventDefault();
    then(key);
  } else if (key in DOUBLE) {
    first = key;
    timer = setTimeout(() => (first = ""), 1500);
  } else if (key in SINGLE) {
    if (key !== "Escape") event.preventDefault();
    SINGLE[key]();
  } else if (key.length === 1 && press(key)) {
    event.preventDefault();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest('.menu [data-key="?"]')) document.getElementById("keys").showModal();
});
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.(".row");
  if (!row) return;
  for (const one of document.querySelectorAll(".row.at")) one.classList.remove("at");
  row.classList.add("at");
});
