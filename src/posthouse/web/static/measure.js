// Runs in the frame of a letter: tells the page how high the letter is, and passes on keys that are meant for the page.
(() => {
  const letter = document.getElementById("letter");
  const tell = () =>
    parent.postMessage(
      { height: Math.ceil(letter.getBoundingClientRect().height), blocked: Number(document.body.dataset.blocked) },
      "*",
    );
  new ResizeObserver(tell).observe(letter);
  addEventListener("load", tell);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    parent.postMessage({ key: event.key, shift: event.shiftKey }, "*");
  });
})();
