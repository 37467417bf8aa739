import { Sha512, sha256 } from "../crypto/digests";
import { encodeHeader, FileEncryptor, payloadSize, type FileKey } from "../crypto/encryptedFile";
import { generateSigningKey, randomBytes, type SigningKey } from "../crypto/keys";
import { planChunks } from "../protocol/chunks";
import { encodeDescription, type Chunk, type FileDescription } from "../protocol/description";
import { encodeFragment, maxFragmentLength } from "../protocol/links";
import type { ServerAddress } from "../protocol/servers";
import { blockSize, deleteCommand, newCommand, putCommand } from "../protocol/transmissions";
import { keyLength, nonceLength } from "../crypto/boxStream";
import type { ServerConnection } from "./connection";
import { TransferFailure, uploadRefusal } from "./failure";
import { maxFileSize } from "./limits";

/** Hears how many bytes of how many have gone. */
export interface Progress {
  (done: number, total: number): void;
}

/** Sends files to one server. It encrypts chunk by chunk, the next one while one is on its way. */
export class Upload {
  private readonly sent: { sender: Uint8Array; senderKey: SigningKey }[] = [];

  constructor(private readonly server: ServerAddress, private readonly connection: ServerConnection, private readonly password: string | null) {}

  /** Sends a file; the link's fragment. */
  async send(name: string, content: Blob, progress: Progress): Promise<string> {
    if (content.size > maxFileSize) throw new TransferFailure("errorTooLargeToSend", true);
    const description = await this.sendEncrypted(name, content, progress);
    const fragment = encodeFragment(description);
    if (fragment.length <= maxFragmentLength || description.chunks.length === 1) return fragment;
    const text = new Blob([encodeDescription(description)]);
    const outer = await this.sendEncrypted("", text, () => undefined);
    return encodeFragment({ ...outer, redirect: { size: description.size, digest: description.digest } });
  }

  /** Takes everything back from the server that was sent so far. */
  async delete(connection: ServerConnection): Promise<void> {
    for (let last = this.sent.at(-1); last !== undefined; last = this.sent.at(-1)) {
      const { answer } = await connection.run(last.sender, deleteCommand(), last.senderKey);
      // Who is gone already has been taken back as well.
      if (answer.kind === "error" && answer.error !== "AUTH") throw uploadRefusal(answer.error);
      this.sent.pop();
    }
  }

  private async sendEncrypted(name: string, content: Blob, progress: Progress): Promise<FileDescription> {
    const file: FileKey = { key: randomBytes(keyLength), nonce: randomBytes(nonceLength) };
    const header = encodeHeader(name);
    const sizes = planChunks(payloadSize(header, content.size));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const encryptor = new FileEncryptor(file, header, content, total);
    const digest = new Sha512();
    const chunks: Chunk[] = [];
    // Two rooms, each for a block and a chunk: one is filled while the other one is on its way.
    const rooms = [0, 1].map(() => new Uint8Array(blockSize + Math.max(...sizes)));
    const make = async (index: number): Promise<Uint8Array> => {
      const room = rooms[index % 2]!.subarray(0, blockSize + sizes[index]!);
      await encryptor.fill(room.subarray(blockSize));
      digest.add(room.subarray(blockSize));
      return room;
    };
    let next: Promise<Uint8Array> | null = null;
    try {
      let done = 0;
      next = make(0);
      for (let i = 0; i < sizes.length; i++) {
        const room = (await next)!;
        next = i + 1 < sizes.length ? make(i + 1) : null;
        // A failure to read is heard of when its turn comes.
        next?.catch(() => undefined);
        chunks.push(await this.sendChunk(room, (part) => progress(done + part, total)));
        progress(done += sizes[i]!, total);
      }
      return { size: total, digest: digest.digest(), file, chunkSize: sizes[0]!, chunks, redirect: null };
    } catch (cause) {
      if (cause instanceof DOMException) throw new TransferFailure("errorUnreadable", true, cause.name);
      throw cause;
    } finally {
      await next?.catch(() => undefined);
      encryptor.free();
      digest.free();
    }
  }

  private async sendChunk(room: Uint8Array, progress: (part: number) => void): Promise<Chunk> {
    const bytes = room.subarray(blockSize);
    const senderKey = generateSigningKey();
    const recipientKey = generateSigningKey();
    const digest = sha256(bytes);
    const created = await this.connection.run(new Uint8Array(0), newCommand(senderKey.spki, bytes.length, digest, recipientKey.spki, this.password), senderKey);
    if (created.answer.kind !== "sids" || created.answer.recipients.length !== 1) throw uploadRefusal(created.answer.kind === "error" ? created.answer.error : "");
    const sender = created.answer.sender;
    this.sent.push({ sender, senderKey });
    const put = await this.connection.put(sender, putCommand(), senderKey, room, progress);
    if (put.answer.kind !== "ok") throw uploadRefusal(put.answer.kind === "error" ? put.answer.error : "");
    const replica = { server: this.server.text, id: created.answer.recipients[0]!, key: recipientKey.pkcs8 };
    return { size: bytes.length, digest, replicas: [replica] };
  }
}
