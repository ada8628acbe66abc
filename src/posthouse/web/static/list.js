// A list that goes on as one scrolls: the next part is fetched before its place is seen, parts that are far away are
// emptied and fetched again when they come near. So the page stays small, however long the mailbox is.
import { showChoice, chosen } from "./act.js";
import { part, tell } from "./post.js";

const main = document.getElementById("main");
const list = () => main.querySelector(".list");
const AHEAD = "2000px";

function address(fields) {
  const url = new URL(list().dataset.path, location.origin);
  for (const [name, value] of Object.entries(fields)) if (value) url.searchParams.set(name, value);
  return url;
}

// -- going on -------------------------------------------------------------------------------------------------------

let going = false;

async function goOn(link) {
  if (going) return;
  going = true;
  try {
    const fragment = await part(address({ before: link.dataset.more }));
    const older = link.closest(".older");
    const all = list().querySelector(".pick-all").checked;
    if (all) for (const box of fragment.querySelectorAll("input[name=pick]")) box.checked = true;
    watch(fragment);
    older.replaceWith(fragment);
    if (all) showChoice();
  } catch (error) {
    tell(error);
  } finally {
    going = false;
  }
}

const end = new IntersectionObserver(
  (entries) => {
    for (const one of entries) if (one.isIntersecting) goOn(one.target);
  },
  { root: main, rootMargin: AHEAD },
);

// -- what is far away -----------------------------------------------------------------------------------------------

const filling = new Map(); // parts that are on their way again, and how to call each of them off

const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && target.dataset.empty) fill(target);
      else if (!isIntersecting && filling.has(target)) filling.get(target).abort();
      else if (!isIntersecting && !target.dataset.empty && target.children.length && !target.querySelector("input:checked, :focus")) {
        if (list()?.hidden) continue;
        target.style.height = `${target.offsetHeight}px`;
        target.dataset.empty = "yes";
        target.replaceChildren();
      }
    }
  },
  { root: main, rootMargin: "4000px" },
);

// Whoever scrolls on before a part has come doesn't wait for it: it is called off, and what is seen comes first.
async function fill(rows) {
  const call = new AbortController();
  filling.set(rows, call);
  try {
    const next = rows.nextElementSibling;
    const path = address({ before: rows.dataset.before, until: next?.dataset.before });
    const fragment = await part(path, { signal: call.signal });
    if (call.signal.aborted) return;
    rows.replaceChildren(...(fragment.querySelector(".rows")?.children ?? []));
    rows.style.height = "";
    delete rows.dataset.empty;
  } catch (error) {
    if (error.name !== "AbortError") tell(error);
  } finally {
    if (filling.get(rows) === call) filling.delete(rows);
  }
}

export function watch(root) {
  for (const rows of root.querySelectorAll(".rows")) near.observe(rows);
  for (const link of root.querySelectorAll(".older a")) end.observe(link);
}

// -- bringing up to date --------------------------------------------------------------------------------------------

let running = null; // who asks meanwhile is served by one more turn, so that no old answer comes last
let again = false;

// Rows that have changed, come or gone, in the parts that stand in the page.
export function refresh() {
  again = Boolean(running);
  running ??= turns().finally(() => (running = null));
  return running;
}

async function turns() {
  do {
    again = false;
    await bringUp();
  } while (again);
}

async function bringUp() {
  const here = list();
  if (!here) return;
  const parts = [...here.querySelectorAll(".rows")].filter((rows) => !rows.dataset.empty);
  if (!parts.length) {
    const fragment = await part(address({}));
    here.querySelector(".empty")?.replaceWith(fragment);
    watch(here);
    return;
  }
  for (const rows of parts) {
    const next = rows.nextElementSibling;
    const until = next?.matches(".rows") ? next.dataset.before : next?.querySelector("a")?.dataset.more;
    const fragment = await part(address({ before: rows.dataset.before, until }));
    merge(rows, [...fragment.querySelectorAll(".row")]);
  }
  const left = here.querySelector(".row, .older");
  if (!left) here.querySelector(".rows")?.replaceWith((await part(address({}))).firstElementChild ?? "");
  showChoice();
}

// The rows that the server has now; those that are the same stay what they are, with focus and choice.
function merge(rows, fresh) {
  const picked = new Set(chosen());
  const known = new Map([...rows.children].map((one) => [one.dataset.pick, one]));
  const focused = document.activeElement?.closest(".row")?.dataset.pick;
  const result = fresh.map((one) => {
    const old = known.get(one.dataset.pick);
    if (picked.has(one.dataset.pick)) {
      one.querySelector("input").checked = true;
      one.classList.add("chosen");
    }
    if (!old) return one;
    old.classList.remove("chosen");
    const same = old.innerHTML === one.innerHTML && old.className.replace("chosen", "").trim() === one.className.replace("chosen", "").trim();
    if (same) {
      old.classList.toggle("chosen", picked.has(one.dataset.pick));
      return old;
    }
    return one;
  });
  if (result.length !== rows.children.length || result.some((one, at) => one !== rows.children[at])) {
    rows.replaceChildren(...result);
    if (focused) rows.querySelector(`[data-pick="${CSS.escape(focused)}"] .open`)?.focus({ preventScroll: true });
  }
}

// The numbers beside the mailboxes, and in the title.
export function showCounts(counts) {
  for (const [mailbox, count] of Object.entries(counts)) {
    const place = document.querySelector(`.side a[data-mailbox="${CSS.escape(mailbox)}"] .count`);
    if (place && place.dataset.count !== String(count)) {
      place.dataset.count = count;
      place.textContent = count || "";
    }
  }
  retitle();
}

// The title says how much is unread in the list that is shown.
export function retitle() {
  const here = list();
  if (!here?.dataset.mailbox || here.hidden) return;
  const unread = document.querySelector(`.side a[data-mailbox="${CSS.escape(here.dataset.mailbox)}"] .count`).dataset.count;
  document.title = (unread !== "0" ? `(${unread}) ` : "") + document.title.replace(/^\(\d+\) /, "");
}

if (list()) watch(list());
