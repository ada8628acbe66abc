// Conversations dragged to a mailbox: those that are chosen, or the one under the pointer.
import { act, chosen } from "./act.js";

const KIND = "application/x-posthouse";
let dragged = [];

document.addEventListener("dragstart", (event) => {
  const row = event.target.closest?.(".row");
  if (!row) return;
  const picks = chosen();
  dragged = picks.includes(row.dataset.pick) ? picks : [row.dataset.pick];
  event.dataTransfer.setData(KIND, dragged.join(" "));
  event.dataTransfer.effectAllowed = "move";
  const label = document.createElement("div");
  label.className = "dragged";
  label.textContent = dragged.length === 1 ? row.querySelector(".subject").textContent : `${dragged.length} conversations`;
  document.body.append(label);
  event.dataTransfer.setDragImage(label, 12, 12);
  setTimeout(() => label.remove());
});

const box = (event) => (event.dataTransfer.types.includes(KIND) ? event.target.closest?.(".side a[data-mailbox]") : null);

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    const target = box(event);
    if (!target) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    target.classList.add("target");
  });
}
document.addEventListener("dragleave", (event) => event.target.closest?.(".side a")?.classList.remove("target"));
document.addEventListener("drop", (event) => {
  const target = box(event);
  if (!target) return;
  event.preventDefault();
  target.classList.remove("target");
  act(dragged, { to: target.dataset.mailbox });
});
