// The frames in which HTML letters are shown: each tells how high it is, and whether pictures were left out.
const frameOf = (source) => [...document.querySelectorAll("iframe.html")].find((one) => one.contentWindow === source);

addEventListener("message", (event) => {
  const frame = frameOf(event.source);
  if (!frame || typeof event.data !== "object" || event.data === null) return;
  const { height, blocked, key, shift } = event.data;
  if (Number.isFinite(height)) frame.style.height = `${Math.min(Math.max(height, 24) + 2, 100_000)}px`;
  if (Number.isFinite(blocked)) {
    const notice = frame.closest(".letter")?.querySelector(".blocked");
    if (notice) notice.hidden = !blocked;
  }
  if (typeof key === "string" && key.length < 20) {
    document.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey: Boolean(shift), bubbles: true }));
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest(".show-pictures");
  if (!button) return;
  const frame = button.closest(".letter").querySelector("iframe.html");
  frame.src = `${frame.getAttribute("src").split("?")[0]}?pictures=yes`;
  button.closest(".blocked").hidden = true;
});
