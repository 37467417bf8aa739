// What the server tells its page about itself.
import { parseServer } from "./protocol/servers";
import { Malformed } from "./wire/bytes";

export interface Settings {
  /** Where files are sent to, as descriptions name it. */
  readonly server: string;
  readonly isPasswordNeeded: boolean;
  readonly areNewFilesTaken: boolean;
  /** Hours after which files are removed; null never. */
  readonly keptHours: number | null;
}

export function readSettings(): Settings {
  const content = document.querySelector<HTMLMetaElement>('meta[name="file-server"]')!.content;
  const told = JSON.parse(content) as { address: string; isPasswordNeeded: boolean; areNewFilesTaken: boolean; keptHours: number | null };
  return { ...told, server: serverAddress(told.address) };
}

// An operator who has named no host has a server where its page is.
function serverAddress(told: string): string {
  try {
    return parseServer(told).text;
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    const port = /:([0-9]+)$/.exec(told)?.[1];
    return told.slice(0, told.indexOf("@") + 1) + location.hostname + (port === undefined ? "" : `:${port}`);
  }
}
