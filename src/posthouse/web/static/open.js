// Opening a conversation in the place of its list, and going back to where the list was.
import { act } from "./act.js";
import { retitle } from "./list.js";
import { part, tell } from "./post.js";

const main = document.getElementById("main");
const list = () => main.querySelector(".list");
export const current = () => main.querySelector(".conversation");
let where = 0; // how far the list was scrolled
let listTitle = document.title;

// Show the conversation that a link of the list leads to.
export async function open(link, { replace = false } = {}) {
  link.setAttribute("aria-busy", "true");
  try {
    const fragment = await part(link.href);
    const here = list();
    if (!current() && here) {
      where = main.scrollTop;
      listTitle = document.title;
    }
    current()?.remove();
    if (here) here.hidden = true;
    main.append(fragment);
    const shown = current();
    if (replace) history.replaceState({ conversation: true }, "", link.href);
    else history.pushState({ conversation: true }, "", link.href);
    document.title = shown.dataset.title;
    main.scrollTop = 0;
    begin(shown);
    shown.querySelector("#subject").focus();
  } catch (error) {
    tell(error);
  } finally {
    link.removeAttribute("aria-busy");
  }
}

// Back to the list.
export function leave() {
  if (list()) history.back();
  else location.href = current().querySelector(".back").href;
}

function close() {
  const shown = current();
  const here = list();
  if (!here) return location.reload();
  const pick = shown?.dataset.pick;
  shown?.remove();
  here.hidden = false;
  document.title = listTitle;
  retitle();
  main.scrollTop = where;
  here.querySelector(`.row[data-pick="${CSS.escape(pick ?? "")}"] .open`)?.focus({ preventScroll: true });
}

// A conversation has been opened: it has been read.
function begin(shown) {
  const row = list()?.querySelector(`.row[data-pick="${CSS.escape(shown.dataset.pick)}"]`);
  const unread = shown.querySelector(".letter[data-unread]");
  unread?.scrollIntoView({ block: "start" });
  if (unread) act([shown.dataset.pick], { do: "read" }, { quiet: true });
  row?.classList.remove("unread");
}

addEventListener("popstate", () => {
  if (current() && list()) close();
  else location.reload();
});

document.addEventListener("click", async (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const row = event.target.closest('.row .open[href^="/conversation/"]');
  if (row) {
    event.preventDefault();
    open(row);
    return;
  }
  const back = event.target.closest(".conversation .back");
  if (back && list()) {
    event.preventDefault();
    leave();
    return;
  }
  const folded = event.target.closest(".unfold");
  if (folded) {
    event.preventDefault();
    try {
      const fragment = await part(folded.href);
      const section = folded.closest(".letter");
      section.replaceWith(fragment);
      document.getElementById(section.id)?.querySelector("summary")?.focus();
    } catch (error) {
      tell(error);
    }
  }
});

if (current()) begin(current());
