// Links: a description behind the "#" of a page's address, compressed. Browsers send nothing of it to a server.
import { Inflate, deflateRaw } from "pako";
import { fromBase64Url, toBase64Url } from "../wire/base64url";
import { Malformed } from "../wire/bytes";
import { decodeDescription, encodeDescription, maxDescriptionLength, type FileDescription } from "./description";

/** A fragment that would be longer makes way for that of a description which is itself a file. */
export const maxFragmentLength = 400;

// fragment = base64url(deflate(description))
export function encodeFragment(description: FileDescription): string {
  return toBase64Url(deflateRaw(new TextEncoder().encode(encodeDescription(description))));
}

/** Reads a fragment without "#"; also one of the form "/?desc=…", which is not compressed. */
export function decodeFragment(fragment: string): FileDescription {
  if (fragment.length > maxDescriptionLength) throw new Malformed("the link is too long");
  if (fragment.startsWith("/?")) {
    const description = new URLSearchParams(fragment.slice(2)).get("desc");
    if (description === null) throw new Malformed("the link has no description");
    return decodeDescription(description);
  }
  return decodeDescription(inflate(fromBase64Url(fragment)));
}

// A few bytes can stand for gigabytes: what comes out is counted while it comes.
function inflate(compressed: Uint8Array): string {
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = new Inflate({ raw: true });
  stream.onData = (part) => {
    length += (part as Uint8Array).length;
    if (length > maxDescriptionLength) throw new Malformed("the description is too long");
    parts.push((part as Uint8Array).slice());
  };
  stream.push(compressed, true);
  if (stream.err !== 0 || !(stream as unknown as { ended: boolean }).ended) throw new Malformed("the link is not whole");
  const whole = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return new TextDecoder().decode(whole);
}
