import { Malformed } from "./bytes";

const form = /^[A-Za-z0-9_-]*={0,2}$/;

/** Base64url with its padding, as the network writes it. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_");
}

/** Reads base64url with all of its padding or none. */
export function fromBase64Url(text: string): Uint8Array {
  const digits = text.replace(/=+$/, "");
  if (!form.test(text) || digits.length % 4 === 1 || (text.length !== digits.length && text.length % 4 !== 0)) throw new Malformed("it is not base64url");
  const decoded = atob(digits.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(decoded, (character) => character.charCodeAt(0));
}
