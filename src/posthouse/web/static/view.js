// Pictures and PDF files looked at above the page.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const dialog = document.getElementById("viewer");
  const picture = link.dataset.view === "picture";
  const shown = document.createElement(picture ? "img" : "iframe");
  shown.src = link.href;
  if (picture) shown.alt = link.dataset.name;
  else shown.title = link.dataset.name;
  dialog.querySelector("h2").textContent = link.dataset.name;
  dialog.querySelector(".shown").replaceChildren(shown);
  dialog.showModal();
});
document.getElementById("viewer").addEventListener("close", (event) => event.target.querySelector(".shown").replaceChildren());
