// Tidying up without leaving the page: the forms of the page are sent from here, and the page is brought up to date.
import { current, leave } from "./open.js";
import { showCounts, refresh } from "./list.js";
import { post, tell } from "./post.js";
import { toast } from "./toast.js";

const row = (pick) => document.querySelector(`.row[data-pick="${CSS.escape(pick)}"]`);
export const chosen = () => [...document.querySelectorAll(".list .row input[name=pick]:checked")].map((box) => box.value);

// Do something to conversations; `fields` says what (see web/act.py), `picks` to which.
export async function act(picks, fields, { quiet = false } = {}) {
  if (!picks.length && !fields.star) {
    toast("Choose conversations first: with the box in front of them, or the key x.");
    return;
  }
  try {
    const done = await post("/act", [...picks.map((pick) => ["pick", pick]), ...Object.entries(fields)]);
    showCounts(done.counts);
    if (!quiet) {
      const again = done.undo ? () => takeBack(done.undo) : null;
      toast(`${done.words}.`, { again });
    }
    if (done.gone.length) {
      const left = current();
      removeRows(done.gone);
      if (left && done.gone.includes(left.dataset.pick)) leave();
    } else if (!quiet) {
      clearChoice();
    }
    await refresh();
  } catch (error) {
    tell(error);
  }
}

async function takeBack(token) {
  try {
    const done = await post("/undo", { undo: token });
    showCounts(done.counts);
    toast(`${done.words}.`);
    await refresh();
  } catch (error) {
    tell(error);
  }
}

function removeRows(picks) {
  for (const one of picks.map(row).filter(Boolean)) {
    if (one.contains(document.activeElement)) (one.nextElementSibling ?? one.previousElementSibling)?.querySelector(".open")?.focus();
    one.remove();
  }
  showChoice();
}

export function clearChoice() {
  for (const box of document.querySelectorAll(".list input[type=checkbox]")) box.checked = false;
  showChoice();
}

export function showChoice() {
  const list = document.querySelector(".list");
  if (!list) return;
  const count = chosen().length;
  for (const one of list.querySelectorAll(".row")) one.classList.toggle("chosen", Boolean(one.querySelector("input:checked")));
  const all = list.querySelector(".pick-all");
  const shown = list.querySelectorAll(".row").length;
  all.checked = count > 0 && count === shown;
  all.indeterminate = count > 0 && count < shown;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  const named = form.dataset.for;
  if (!named && form.getAttribute("action") !== "/act") {
    if (button?.dataset.sure && !confirm(button.dataset.sure)) event.preventDefault();
    return;
  }
  event.preventDefault();
  const fields = named ? { label: new FormData(form).get("label") } : { [button.name]: button.value };
  if (named) form.reset();
  button?.closest("[popover]")?.hidePopover();
  for (const open of document.querySelectorAll(".drop:popover-open")) open.hidePopover();
  if (button?.dataset.sure && !confirm(button.dataset.sure)) return;
  if (button?.name === "star") return act([], fields, { quiet: true });
  const open = (named ?? form.id) === "of-conversation" ? current() : null;
  act(open ? [open.dataset.pick] : chosen(), fields);
});

let lastBox = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest(".row input[name=pick]");
  if (!box) return;
  if (event.shiftKey && lastBox?.isConnected) {
    const boxes = [...document.querySelectorAll(".row input[name=pick]")];
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  }
  lastBox = box;
});
document.addEventListener("change", (event) => {
  if (event.target.matches(".pick-all")) {
    for (const box of document.querySelectorAll(".row input[name=pick]")) box.checked = event.target.checked;
  }
  if (event.target.matches(".pick-all, .row input[name=pick]")) showChoice();
});
