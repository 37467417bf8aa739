/** A name under which a file may be saved: what a stranger suggests, without paths and characters that deceive. */
export function safeFileName(name: string): string {
  const safe = name
    .replace(/[/\\]/g, "_")
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, "_")
    .replace(/[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "")
    .replace(/^[. ]+|[. ]+$/g, "");
  return [...safe].slice(0, 200).join("") || "file";
}
