import { fromBase64Url } from "../wire/base64url";
import { Malformed } from "../wire/bytes";

/** A file server: who it is, and where. */
export interface ServerAddress {
  /** The address as it was written, which file descriptions repeat. */
  readonly text: string;
  readonly keyHash: Uint8Array;
  readonly hosts: readonly string[];
  readonly port: number;
}

// address = "xftp://" fingerprint "@" host *("," host) [":" port] ; fingerprint = base64url
export function parseServer(text: string): ServerAddress {
  const parts = /^xftp:\/\/([A-Za-z0-9_-]+={0,2})@(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._,-]+)(?::([0-9]{1,5}))?$/.exec(text);
  if (parts === null) throw new Malformed("it is not a file server's address");
  const port = parts[3] === undefined || parts[3] === "0" ? 443 : Number(parts[3]);
  const keyHash = fromBase64Url(parts[1]!);
  if (port > 65535) throw new Malformed("it is not a file server's address");
  return { text, keyHash, hosts: parts[2]!.split(","), port };
}

/** Where a browser finds the server: by the name that this page came from, if it is one of its own, or else the first. */
export function originOf(server: ServerAddress, pageHost: string): string {
  const host = server.hosts.find((name) => name.toLowerCase() === pageHost.toLowerCase())
    ?? server.hosts.find((name) => name.endsWith(".onion") === pageHost.endsWith(".onion"))
    ?? server.hosts[0]!;
  return `https://${host}${server.port === 443 ? "" : `:${server.port}`}`;
}
