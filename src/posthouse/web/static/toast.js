// Short words at the edge of the page, read out too: what was done, and a way to undo it.
const SECONDS = 10;
let timer = 0;
let undo = null;

// `again`: what undoes it; `more`: an element to show beside the words; `lasting`: until something else is said.
export function toast(words, { again = null, more = null, lasting = false } = {}) {
  const place = document.getElementById("toasts");
  clearTimeout(timer);
  place.replaceChildren();
  undo = again;
  if (!words) return;
  const box = document.createElement("div");
  box.className = "toast";
  const text = document.createElement("span");
  text.textContent = words;
  box.append(text);
  if (again) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "Undo";
    button.addEventListener("click", undoLast);
    box.append(button);
  }
  if (more) box.append(more);
  place.append(box);
  if (!lasting) timer = setTimeout(() => place.replaceChildren(), SECONDS * 1000);
}

export function undoLast() {
  const last = undo;
  undo = null;
  document.getElementById("toasts").replaceChildren();
  last?.();
}
