// A file description: all that a recipient needs for a file. Whoever has it has the file. Its text is the small part of YAML
// that the network's clients write: keys in alphabetical order, chunks grouped by server.
import { fromBase64Url, toBase64Url } from "../wire/base64url";
import { Malformed } from "../wire/bytes";
import type { FileKey } from "../crypto/encryptedFile";
import { parseServer } from "./servers";

/** The longest text that is looked at. */
export const maxDescriptionLength = 8 * 1024 * 1024;

const maxChunks = 81_920;

/** One copy of a chunk: where it is, the party's id of it, and the key of the party's commands in PKCS #8. */
export interface Replica {
  readonly server: string;
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

export interface Chunk {
  readonly size: number;
  readonly digest: Uint8Array;
  readonly replicas: readonly Replica[];
}

export interface FileDescription {
  readonly size: number;
  readonly digest: Uint8Array;
  readonly file: FileKey;
  readonly chunkSize: number;
  readonly chunks: readonly Chunk[];
  /** What the description behind this one promises, if this file is one. */
  readonly redirect: { readonly size: number; readonly digest: Uint8Array } | null;
}

export function encodeDescription(description: FileDescription): string {
  const lines = [
    `chunkSize: ${quoted(sizeText(description.chunkSize))}`,
    `digest: ${quoted(toBase64Url(description.digest))}`,
    `key: ${quoted(toBase64Url(description.file.key))}`,
    `nonce: ${quoted(toBase64Url(description.file.nonce))}`,
    "party: recipient",
  ];
  if (description.redirect !== null) lines.push("redirect:", `  digest: ${quoted(toBase64Url(description.redirect.digest))}`, `  size: ${description.redirect.size}`);
  const groups = new Map<string, string[]>();
  description.chunks.forEach((chunk, index) => chunk.replicas.forEach((replica, copy) => {
    const size = copy === 0 && chunk.size !== description.chunkSize ? `:${sizeText(chunk.size)}` : "";
    const digest = copy === 0 ? `:${toBase64Url(chunk.digest)}` : "";
    const text = `  - ${index + 1}:${toBase64Url(replica.id)}:${toBase64Url(replica.key)}${digest}${size}`;
    groups.set(replica.server, [...(groups.get(replica.server) ?? []), text]);
  }));
  lines.push(groups.size === 0 ? "replicas: []" : "replicas:");
  for (const server of [...groups.keys()].sort(compareServers)) lines.push("- chunks:", ...groups.get(server)!, `  server: ${server}`);
  lines.push(`size: ${quoted(sizeText(description.size))}`);
  return lines.join("\n") + "\n";
}

/** Reads a recipient's description and checks that its chunks make up its file. */
export function decodeDescription(text: string): FileDescription {
  if (text.length > maxDescriptionLength) throw new Malformed("the description is too long");
  const parts = readParts(text);
  const field = (name: string): string => parts.fields.get(name) ?? fail(`it has no ${name}`);
  if (field("party") !== "recipient") fail("it is not a recipient's");
  const chunkSize = parseSize(field("chunkSize"));
  const key = fromBase64Url(field("key"));
  const nonce = fromBase64Url(field("nonce"));
  const description: FileDescription = {
    size: parseSize(field("size")),
    digest: fromBase64Url(field("digest")),
    file: { key, nonce },
    chunkSize,
    chunks: readChunks(parts.replicas, chunkSize),
    redirect: parts.redirect === null ? null : {
      size: parseSize(parts.redirect.get("size") ?? fail("the redirect has no size")),
      digest: fromBase64Url(parts.redirect.get("digest") ?? fail("the redirect has no digest")),
    },
  };
  const sum = description.chunks.reduce((total, chunk) => total + chunk.size, 0);
  if (key.length !== 32 || nonce.length !== 24 || description.digest.length === 0 || sum !== description.size) fail("its parts do not fit together");
  return description;
}

// replica = number ":" id ":" privateKey [":" digest] [":" size] ; the first copy of a chunk bears its digest and its size
function readChunks(replicas: readonly { server: string; text: string }[], defaultSize: number): Chunk[] {
  const found = new Map<number, { size?: number; digest?: Uint8Array; replicas: Replica[] }>();
  for (const { server, text } of replicas) {
    const fields = text.split(":");
    if (!/^[0-9]{1,6}$/.test(fields[0]!) || fields.length < 3 || fields.length > 5) fail("a chunk does not parse");
    parseServer(server);
    const chunk = found.get(Number(fields[0])) ?? { replicas: [] };
    found.set(Number(fields[0]), chunk);
    chunk.replicas.push({ server, id: fromBase64Url(fields[1]!), key: fromBase64Url(fields[2]!) });
    if (fields[3] !== undefined && fields.length === 4 && isSize(fields[3])) chunk.size ??= parseSize(fields[3]);
    else if (fields[3] !== undefined) chunk.digest ??= fromBase64Url(fields[3]);
    if (fields[4] !== undefined) chunk.size ??= parseSize(fields[4]);
  }
  if (found.size > maxChunks) fail("it has too many chunks");
  return Array.from({ length: found.size }, (_, index) => {
    const chunk = found.get(index + 1) ?? fail("a chunk is missing");
    return { size: chunk.size ?? defaultSize, digest: chunk.digest ?? fail("a chunk has no digest"), replicas: chunk.replicas };
  });
}

interface Parts {
  fields: Map<string, string>;
  redirect: Map<string, string> | null;
  replicas: { server: string; text: string }[];
}

// description = 1*(entry / redirect / replicas), in any order ; entry = name ": " scalar EOL
// redirect = "redirect:" EOL 2*(indent entry) ; replicas = "replicas:" EOL 1*group
// group = "- " chunks and server, in any order ; chunks = "chunks:" EOL 1*(indent "- " scalar EOL)
function readParts(text: string): Parts {
  const parts: Parts = { fields: new Map(), redirect: null, replicas: [] };
  let section = "";
  let group: { server?: string; chunks: string[] } | null = null;
  const groups: { server?: string; chunks: string[] }[] = [];
  for (const line of text.split("\n")) {
    const content = line.trim();
    if (content === "") continue;
    const isTop = !line.startsWith(" ") && !line.startsWith("- ");
    if (isTop) {
      const [name, value] = readEntry(content);
      section = value === "" ? name : "";
      if (name === "redirect" && value === "") parts.redirect = new Map();
      else if (name === "redirect" && value !== "null" && value !== "~") fail("the redirect does not parse");
      else if (name !== "redirect" && name !== "replicas") {
        if (parts.fields.has(name)) fail(`${name} is there twice`);
        parts.fields.set(name, value);
      }
    } else if (section === "redirect") {
      const [name, value] = readEntry(content);
      parts.redirect!.set(name, value);
    } else if (section === "replicas") {
      const item = content.startsWith("- ") ? content.slice(2) : null;
      if (item !== null && /^(chunks|server):/.test(item)) groups.push(group = { chunks: [] });
      const entry = /^(?:- )?(chunks|server):(?: (.*))?$/.exec(content);
      if (group === null) fail("the replicas do not parse");
      else if (entry?.[1] === "server") group.server = unquoted(entry[2] ?? "");
      else if (entry === null && item !== null) group.chunks.push(unquoted(item));
      else if (entry === null || (entry[2] ?? "") !== "") fail("the replicas do not parse");
    } else fail("it does not parse");
  }
  for (const { server, chunks } of groups) {
    for (const chunk of chunks) parts.replicas.push({ server: server ?? fail("chunks have no server"), text: chunk });
  }
  return parts;
}

function readEntry(line: string): [string, string] {
  const entry = /^([A-Za-z]+):(?: +(.*))?$/.exec(line) ?? fail("it does not parse");
  return [entry[1]!, unquoted(entry[2] ?? "")];
}

function unquoted(text: string): string {
  return /^'[^']*'$/.test(text) || /^"[^"\\]*"$/.test(text) ? text.slice(1, -1) : text;
}

// The network's order of servers: by hosts, then port, then fingerprint.
function compareServers(one: string, other: string): number {
  const key = (text: string): string[] => {
    const server = parseServer(text);
    return [...server.hosts, "", server.port === 443 ? "" : String(server.port), toBase64Url(server.keyHash)];
  };
  const [first, second] = [key(one), key(other)];
  const at = first.findIndex((part, i) => part !== second[i]);
  return at < 0 ? 0 : first[at]! < (second[at] ?? "") ? -1 : 1;
}

// A plain scalar may not look like the end of a document or like a number.
function quoted(text: string): string {
  return text.startsWith("---") || /^[0-9]+$/.test(text) ? `'${text}'` : text;
}

// fileSize = 1*DIGIT ["kb" / "mb" / "gb"] ; 1024 of each
function isSize(text: string): boolean {
  return /^[0-9]{1,15}(kb|mb|gb)?$/.test(text);
}

function parseSize(text: string): number {
  if (!isSize(text)) fail("a size does not parse");
  const unit = ["kb", "mb", "gb"].findIndex((name) => text.endsWith(name)) + 1;
  const bytes = Number(unit === 0 ? text : text.slice(0, -2)) * 1024 ** unit;
  return Number.isSafeInteger(bytes) ? bytes : fail("a size is too large");
}

/** A size in its largest exact unit. */
export function sizeText(bytes: number): string {
  const units = ["", "kb", "mb", "gb"];
  let unit = 0;
  while (unit < units.length - 1 && bytes % 1024 === 0) {
    bytes /= 1024;
    unit++;
  }
  return `${bytes}${units[unit]}`;
}

function fail(why: string): never {
  throw new Malformed(why);
}
