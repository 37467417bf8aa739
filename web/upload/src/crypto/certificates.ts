// What a server's identity needs of X.509: who signed what, with which key. Dates and names say nothing in this network.
import { ByteReader, Malformed } from "../wire/bytes";
import { isSignedBy } from "./keys";

const sequence = 0x30;
const bitString = 0x03;
const explicitVersion = 0xa0;

/** A signed thing: a certificate, or a key under a signature. */
export interface Signed {
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
}

// signed = SEQUENCE { content ANY, algorithm SEQUENCE, signature BIT STRING } ; X.509, section 4.1
export function readSigned(der: Uint8Array): Signed {
  const whole = new ByteReader(der);
  const fields = new ByteReader(readElement(whole).value);
  if (whole.remaining > 0) throw new Malformed("something follows the signature");
  const content = readElement(fields).whole;
  readElement(fields, sequence);
  const signature = readElement(fields, bitString).value;
  if (signature[0] !== 0) throw new Malformed("a signature has whole bytes");
  return { content, signature: signature.subarray(1) };
}

// tbsCertificate = SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, … }
/** The key of a certificate, as SubjectPublicKeyInfo. */
export function publicKeyOf(certificate: Signed): Uint8Array {
  const fields = new ByteReader(readElement(new ByteReader(certificate.content), sequence).value);
  const first = readElement(fields);
  for (let skipped = first.tag === explicitVersion ? 0 : 1; skipped < 5; skipped++) readElement(fields);
  return readElement(fields, sequence).whole;
}

export function isIssuedBy(certificate: Signed, issuer: Signed): boolean {
  return isSignedBy(publicKeyOf(issuer), certificate.content, certificate.signature);
}

function readElement(reader: ByteReader, expected: number | null = null): { tag: number; value: Uint8Array; whole: Uint8Array } {
  const tag = reader.byte();
  if (expected !== null && tag !== expected) throw new Malformed("another kind of element stands there");
  const head = [tag, reader.byte()];
  let length = head[1]!;
  if (length >= 0x80) {
    const count = length - 0x80;
    if (count < 1 || count > 3) throw new Malformed("an element has no usable length");
    length = 0;
    for (let i = 0; i < count; i++) {
      head.push(reader.byte());
      length = length * 0x100 + head[head.length - 1]!;
    }
  }
  const value = reader.take(length);
  const whole = new Uint8Array(head.length + length);
  whole.set(head);
  whole.set(value, head.length);
  return { tag, value, whole };
}
