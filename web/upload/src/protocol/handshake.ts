// How a browser and a server meet. The browser sees the certificate for browsers only, so the server proves its identity of
// the network: its key signs the browser's random challenge together with the session's id.
import { isIssuedBy, publicKeyOf, readSigned } from "../crypto/certificates";
import { sha256 } from "../crypto/digests";
import { isSignedBy } from "../crypto/keys";
import { areEqual, ByteReader, ByteWriter, concat, Malformed } from "../wire/bytes";
import { handshakeError, pad, unpad } from "./transmissions";

export const challengeLength = 32;

/** The versions that this page speaks. */
export const versions = { min: 1, max: 3 } as const;

/** The server is not the one that its address promises, or speaks no version that we do. */
export class WrongServer extends Error {
  constructor(why: string) {
    super(why);
    this.name = "WrongServer";
  }
}

export interface ServerHello {
  readonly version: number;
  readonly sessionId: Uint8Array;
}

// clientHello = padded(maybe(shortString of 32 bytes))
export function encodeHello(challenge: Uint8Array): Uint8Array {
  return pad(new ByteWriter().maybe(challenge).written());
}

// clientHandshake = padded(version keyHash) ; version = word16, keyHash = shortString
export function encodeHandshake(version: number, keyHash: Uint8Array): Uint8Array {
  return pad(new ByteWriter().uint16(version).short(keyHash).written());
}

// serverHandshake = padded(minVersion maxVersion sessionId certificates sessionKey identityProof *OCTET)
// certificates = nonEmptyList(largeString) ; sessionKey = largeString ; identityProof = shortString
/** Reads the server's answer to a hello and checks that it comes from the server that the address names. */
export function openServerHello(block: Uint8Array, challenge: Uint8Array, keyHash: Uint8Array): ServerHello {
  const content = unpad(block);
  const error = handshakeError(content);
  if (error !== null) throw new WrongServer(`The server refused the connection (${error}).`);
  const reader = new ByteReader(content);
  const [min, max] = [reader.uint16(), reader.uint16()];
  const sessionId = reader.short().slice();
  const certificates = reader.list(() => reader.large());
  const sessionKey = readSigned(reader.large());
  const proof = reader.remaining > 0 ? reader.short() : new Uint8Array(0);
  if (!isFrom(certificates, keyHash, (key) => isSignedBy(key, concat(challenge, sessionId), proof) && isSignedBy(key, sessionKey.content, sessionKey.signature)))
    throw new WrongServer("The server could not prove that it is the one that the address names.");
  const version = Math.min(max, versions.max);
  if (version < min || version < versions.min) throw new WrongServer("The server speaks none of the versions that this page does.");
  return { version, sessionId };
}

// The second certificate is the identity, whose hash is in the address; it issued the first one, whose key signs.
function isFrom(certificates: readonly Uint8Array[], keyHash: Uint8Array, isSigned: (key: Uint8Array) => boolean): boolean {
  try {
    if (certificates.length < 2 || certificates.length > 4 || !areEqual(sha256(certificates[1]!), keyHash)) return false;
    const leaf = readSigned(certificates[0]!);
    return isIssuedBy(leaf, readSigned(certificates[1]!)) && isSigned(publicKeyOf(leaf));
  } catch (cause) {
    if (cause instanceof Malformed) return false;
    throw cause;
  }
}
