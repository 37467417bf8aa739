// The block of 16,384 bytes that every request and every answer begins with, and what is in it.
import { sign, type SigningKey } from "../crypto/keys";
import { areEqual, ByteReader, ByteWriter, Malformed } from "../wire/bytes";

export const blockSize = 16_384;

const filler = 0x23;
const nonceLength = 24;

export type Answer =
  | { readonly kind: "ok" }
  | { readonly kind: "sids"; readonly sender: Uint8Array; readonly recipients: readonly Uint8Array[] }
  | { readonly kind: "file"; readonly key: Uint8Array; readonly nonce: Uint8Array }
  | { readonly kind: "error"; readonly error: string };

// padded = length content *"#" ; length = word16
export function pad(content: Uint8Array): Uint8Array {
  const block = new Uint8Array(blockSize).fill(filler);
  block.set(new ByteWriter().uint16(content.length).bytes(content).written());
  return block;
}

export function unpad(block: Uint8Array): Uint8Array {
  return new ByteReader(block).large();
}

// new = "FNEW" SP key size digest keys maybe(password) ; keys = nonEmptyList(key), key = shortString, size = word32
export function newCommand(sender: Uint8Array, size: number, digest: Uint8Array, recipient: Uint8Array, password: string | null): Uint8Array {
  return new ByteWriter().text("FNEW ").short(sender).uint32(size).short(digest).byte(1).short(recipient)
    .maybe(password === null ? null : new TextEncoder().encode(password)).written();
}

export function putCommand(): Uint8Array {
  return new TextEncoder().encode("FPUT");
}

export function deleteCommand(): Uint8Array {
  return new TextEncoder().encode("FDEL");
}

// get = "FGET" SP key
export function getCommand(key: Uint8Array): Uint8Array {
  return new ByteWriter().text("FGET ").short(key).written();
}

// block = padded(batch) ; batch = %x01 length transmission, length = word16
// transmission = signature signed ; signed = sessionId corrId entityId command ; all but the command are shortStrings
export function encodeTransmission(sessionId: Uint8Array, entity: Uint8Array, command: Uint8Array, key: SigningKey): Uint8Array {
  const signed = new ByteWriter().short(sessionId).short(new Uint8Array(0)).short(entity).bytes(command).written();
  const transmission = new ByteWriter().short(sign(key, signed)).bytes(signed).written();
  return pad(new ByteWriter().byte(1).uint16(transmission.length).bytes(transmission).written());
}

/** Reads an answer. A block that has but an error's name comes from the handshake. */
export function decodeAnswer(block: Uint8Array, sessionId: Uint8Array): Answer {
  const content = unpad(block);
  const name = handshakeError(content);
  if (name !== null) return { kind: "error", error: name };
  const batch = new ByteReader(content);
  if (batch.byte() !== 1) throw new Malformed("the answer is not one transmission");
  const transmission = new ByteReader(batch.large());
  transmission.short();
  if (!areEqual(transmission.short(), sessionId)) throw new Malformed("the answer is another session's");
  transmission.short();
  transmission.short();
  return decodeResponse(transmission.rest());
}

// response = "SIDS" SP senderId recipientIds / "FILE" SP key nonce / "OK" / "ERR" SP error ; nonce = 24 bytes
export function decodeResponse(response: Uint8Array): Answer {
  const space = response.indexOf(0x20);
  const tag = new TextDecoder().decode(space < 0 ? response : response.subarray(0, space));
  const fields = new ByteReader(space < 0 ? new Uint8Array(0) : response.subarray(space + 1));
  switch (tag) {
    case "OK":
      return { kind: "ok" };
    case "SIDS":
      return { kind: "sids", sender: fields.short().slice(), recipients: fields.list(() => fields.short().slice()) };
    case "FILE":
      return { kind: "file", key: fields.short().slice(), nonce: fields.take(nonceLength).slice() };
    case "ERR":
      return { kind: "error", error: new TextDecoder().decode(fields.rest()) };
    default:
      throw new Malformed("the answer is not one that is known");
  }
}

// serverError = an error's name alone ; where a hello or a transmission is too long to be one
export function handshakeError(content: Uint8Array): string | null {
  const name = new TextDecoder().decode(content.subarray(0, 32));
  return content.length <= 32 && /^[A-Z_]+( [A-Z_]+)?$/.test(name) ? name : null;
}

