// Another sender, another signature: it takes the place of the one before, where nobody has changed that.
const FORWARDED = "---------- Forwarded";
const below = (signature) => (signature ? `-- \n${signature}` : "");

// Plain text with the signature `fresh` in the place of `old`.
export function signed(text, old, fresh) {
  if (old) {
    const at = `\n${text}\n`.indexOf(`\n${below(old)}\n`);
    return at < 0 ? text : text.slice(0, at) + below(fresh) + text.slice(at + below(old).length);
  }
  const lines = text.split("\n");
  const quoted = lines.findIndex((line) => line.startsWith(">") || line.startsWith(FORWARDED));
  // What is quoted has a line of its own above it that says who wrote it.
  const at = quoted < 0 ? lines.length : lines[quoted].startsWith(">") ? Math.max(quoted - 1, 0) : quoted;
  return [...lines.slice(0, at), "", below(fresh), "", ...lines.slice(at)].join("\n");
}
