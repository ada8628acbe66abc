// Text with looks and plain text, made of each other; nothing of it is ever part of a page.
const LINES = new Set(["P", "DIV", "LI", "TR", "H1", "H2", "H3", "H4", "H5", "H6", "PRE", "UL", "OL", "TABLE"]);

export function writtenText(html) {
  const lines = [];
  let line = "";
  const end = (depth) => {
    lines.push(depth ? `${">".repeat(depth)} ${line}`.trimEnd() : line);
    line = "";
  };
  const walk = (node, depth) => {
    for (const one of node.childNodes) {
      if (one.nodeType === Node.TEXT_NODE) line += one.data.replace(/[ \t\r\n]+/g, " ").replaceAll("\u00a0", " ");
      else if (one.nodeName === "BR") end(depth);
      else if (one.nodeName === "BLOCKQUOTE") {
        if (line) end(depth);
        walk(one, depth + 1);
        if (line) end(depth + 1);
      } else if (one.nodeType === Node.ELEMENT_NODE && one.nodeName !== "STYLE") {
        const breaks = LINES.has(one.nodeName);
        if (breaks && line.trim()) end(depth);
        if (one.nodeName === "LI") line = "- ";
        walk(one, depth);
        if (breaks && (line || (one.nodeName === "P" && one.lastChild?.nodeName !== "BR"))) end(depth);
      }
    }
  };
  walk(new DOMParser().parseFromString(html, "text/html").body, 0);
  if (line) end(0);
  return lines.join("\n");
}

export function htmlOf(text) {
  const escaped = (line) => line.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);
  const spaced = (line) => line.replace(/(^| ) /g, "$1\u00a0"); // or several would be one
  return text.split("\n").map((line) => `<p>${spaced(escaped(line)) || "<br>"}</p>`).join("");
}
