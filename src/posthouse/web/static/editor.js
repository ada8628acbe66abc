// Runs in the frame in which a letter is written, which has no origin: it takes words from the page and gives back HTML.
(() => {
  const text = document.getElementById("text");
  const tell = (facts) => parent.postMessage(facts, "*");
  let timer = 0;
  let turn = 0; // which text is shown: words about an earlier one count no more

  // HTML in which nothing is loaded yet.
  function inert(html) {
    const made = document.createElement("template");
    made.innerHTML = html;
    return made;
  }
  // Pictures of the letter are shown as data, and travel as `cid:…`. Those from elsewhere travel, and aren't loaded.
  function written() {
    const copy = inert(text.innerHTML);
    for (const one of copy.content.querySelectorAll("img[data-cid]")) {
      one.setAttribute("src", `cid:${one.dataset.cid}`);
      one.removeAttribute("data-cid");
    }
    for (const one of copy.content.querySelectorAll("img[data-elsewhere]")) {
      one.setAttribute("src", one.dataset.elsewhere);
      one.removeAttribute("data-elsewhere");
    }
    return copy.innerHTML;
  }
  function changed() {
    clearTimeout(timer);
    timer = setTimeout(() => tell({ turn, html: written() }), 150);
  }
  function show(html, pictures) {
    const copy = inert(html);
    for (const one of copy.content.querySelectorAll('img[src^="cid:"]')) {
      one.dataset.cid = one.getAttribute("src").slice(4);
      one.setAttribute("src", pictures[one.dataset.cid] ?? "");
    }
    for (const one of copy.content.querySelectorAll('img[src^="http" i]')) {
      one.dataset.elsewhere = one.getAttribute("src");
      one.removeAttribute("src");
    }
    text.replaceChildren(copy.content);
  }
  const commands = {
    quote: () => document.execCommand("formatBlock", false, "blockquote"),
    link: (url) => document.execCommand("createLink", false, url),
    sign: ({ old, fresh }) => {
      const bare = (words) => words.replace(/\s/g, "");
      let place = [...text.querySelectorAll(".signature")].find((one) => !one.closest("blockquote"));
      if (old && (!place || bare(place.textContent) !== bare(`--${old}`))) return; // somebody has changed it
      if (!fresh) return place?.remove();
      if (!old) {
        place = document.createElement("div");
        place.className = "signature";
        const quoted = [...text.children].find((one) => one.nodeName === "BLOCKQUOTE");
        const forwarded = [...text.children].find((one) => one.textContent.startsWith("---------- Forwarded"));
        text.insertBefore(place, forwarded ?? quoted?.previousElementSibling ?? quoted ?? null);
      }
      place.replaceChildren("-- ", ...fresh.split("\n").flatMap((line) => [document.createElement("br"), line]));
    },
    picture: ({ cid, url }) => {
      document.execCommand("insertHTML", false, `<img data-cid="${cid}" src="${url}" alt="">`);
    },
  };

  addEventListener("message", (event) => {
    if (event.source !== parent) return;
    const { show: html, pictures, turn: of, act, value, focus, ask } = event.data;
    if (typeof html === "string") {
      show(html, pictures ?? {});
      turn = of;
    }
    if (act) {
      if (act !== "sign") text.focus();
      if (commands[act]) commands[act](value);
      else document.execCommand(act);
      changed();
    }
    if (ask) tell({ turn, html: written(), answers: ask });
    if (focus) {
      text.focus();
      getSelection().setPosition(text.firstChild ?? text, 0);
    }
  });
  text.addEventListener("input", changed);
  // Below the text, where the paper is longer: one writes on at its end.
  addEventListener("click", (event) => {
    if (text.contains(event.target)) return;
    text.focus();
    getSelection().selectAllChildren(text);
    getSelection().collapseToEnd();
  });
  text.addEventListener("blur", () => tell({ turn, html: written() }));
  for (const kind of ["paste", "drop"]) {
    text.addEventListener(kind, (event) => {
      const files = [...((event.clipboardData ?? event.dataTransfer)?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      tell({ files });
    });
  }
  text.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      tell({ turn, html: written(), send: true });
    }
  });
  new ResizeObserver(() => tell({ height: Math.ceil(text.getBoundingClientRect().height) })).observe(text);
  document.execCommand("defaultParagraphSeparator", false, "p");
  tell({ ready: true });
})();
