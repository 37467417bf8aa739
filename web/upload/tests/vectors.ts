// The network's own bytes, which this project's other tests read too.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";

export type VectorRecord = Record<string, any> & { kind: string; name: string };

const folder = process.env["PAIRWISE_VECTORS"] ?? path.join(process.cwd(), "../../tests/Vectors");
const records = (JSON.parse(readFileSync(path.join(folder, "xftp.json"), "utf8")) as { records: VectorRecord[] }).records;

/** The records of a kind; there is at least one. */
export function vectors(kind: string): VectorRecord[] {
  const found = records.filter((record) => record.kind === kind);
  if (found.length === 0) throw new Error(`there are no vectors of the kind ${kind}`);
  return found;
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function hash(algorithm: "sha256" | "sha512", bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest("hex");
}

/** The bytes that vectors name by a label: hashes of the label and a counter, one after the other. */
export function deterministic(label: string, length: number): Uint8Array {
  const parts: Buffer[] = [];
  for (let i = 0; parts.length * 64 < length; i++) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(i);
    parts.push(createHash("sha512").update(Buffer.concat([Buffer.from(label, "ascii"), counter])).digest());
  }
  return new Uint8Array(Buffer.concat(parts).subarray(0, length));
}
