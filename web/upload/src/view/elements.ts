import { language, text, type TextKey } from "./texts";

/** An element of the page, which has it. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no ${id}.`);
  return found as T;
}

/** Puts the texts of the reader's language in their places. */
export function fillTexts(root: ParentNode = document): void {
  document.documentElement.lang = language;
  for (const place of root.querySelectorAll<HTMLElement>("[data-text]")) place.textContent = text(place.dataset["text"] as TextKey);
}

const sections = ["choose", "offer", "transfer", "sent", "received", "ended"] as const;

/** Shows one section and moves the focus to what can be done there. */
export function show(section: (typeof sections)[number], focus: string | null): void {
  for (const name of sections) element(name).hidden = name !== section;
  if (focus !== null) element(focus).focus();
}

/** Tells those who listen to the page; alarms at once. */
export function announce(what: string, isAlarm = false): void {
  element("announcement").textContent = isAlarm ? "" : what;
  element("alarm").textContent = isAlarm ? what : "";
}

/** A size as people read it. */
export function readableSize(bytes: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  while (unit < units.length - 1 && bytes >= 1000) {
    bytes /= 1024;
    unit++;
  }
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: unit === 0 || bytes >= 100 ? 0 : 1 }).format(bytes)} ${units[unit]}`;
}
