import { BoxStream, tagLength } from "../crypto/boxStream";
import { Sha512, sha256 } from "../crypto/digests";
import { FileDecryptor, FileVerifier, NotThisFile, pieceLength } from "../crypto/encryptedFile";
import { AgreementKey, signingKeyFromPkcs8 } from "../crypto/keys";
import { chunkSizes } from "../protocol/chunks";
import { decodeDescription, type Chunk, type FileDescription, type Replica } from "../protocol/description";
import { decodeFragment } from "../protocol/links";
import { parseServer, type ServerAddress } from "../protocol/servers";
import { blockSize, getCommand } from "../protocol/transmissions";
import { areEqual, Malformed } from "../wire/bytes";
import type { ServerConnection } from "./connection";
import { downloadRefusal, TransferFailure } from "./failure";
import { maxEncryptedSize } from "./limits";
import type { WaitingRoom } from "./waitingRoom";
import type { Progress } from "./upload";

/** Bytes of content that are put together before the browser gets them. */
const blobLength = 4 * 1024 * 1024;

export interface ReceivedFile {
  readonly name: string;
  readonly content: Blob;
}

/** Receives files. What was received waits encrypted; nothing is decrypted before all of it proved to be the file. */
export class Download {
  private readonly connections = new Map<string, ServerConnection>();

  constructor(private readonly connect: (server: ServerAddress) => ServerConnection, private readonly makeRoom: () => Promise<WaitingRoom>) {}

  async receive(fragment: string, progress: Progress): Promise<ReceivedFile> {
    try {
      let description = decodeFragment(fragment);
      const { redirect } = description;
      if (redirect !== null) {
        check(description);
        const text = await (await this.receiveFile(description, () => undefined)).content.text();
        description = decodeDescription(text);
        if (description.redirect !== null || description.size !== redirect.size || !areEqual(description.digest, redirect.digest)) throw new NotThisFile();
      }
      check(description);
      return await this.receiveFile(description, progress);
    } catch (cause) {
      if (cause instanceof NotThisFile) throw new TransferFailure("errorTampered", true);
      if (cause instanceof Malformed) throw new TransferFailure("errorBadLink", true, cause.message);
      throw cause;
    }
  }

  private async receiveFile(description: FileDescription, progress: Progress): Promise<ReceivedFile> {
    const room = await this.makeRoom();
    const verifier = new FileVerifier(description.file, description.size);
    const digest = new Sha512();
    let next: Promise<Uint8Array> | null = null;
    try {
      let done = 0;
      // Two rooms, each for a block, a chunk and a tag: one is filled while the other one is looked at.
      const rooms = [0, 1].map(() => new Uint8Array(blockSize + Math.max(...description.chunks.map((chunk) => chunk.size)) + tagLength));
      const receive = (index: number): Promise<Uint8Array> =>
        this.receiveChunk(description.chunks[index]!, rooms[index % 2]!, (part) => progress(Math.min(done + part, description.size), description.size));
      next = receive(0);
      for (let i = 0; i < description.chunks.length; i++) {
        const bytes = (await next)!;
        progress(done += bytes.length, description.size);
        next = i + 1 < description.chunks.length ? receive(i + 1) : null;
        // What fails while we are busy is heard of when its turn comes.
        next?.catch(() => undefined);
        verifier.add(bytes);
        digest.add(bytes);
        await room.add(bytes);
      }
      verifier.finish();
      if (!areEqual(digest.digest(), description.digest)) throw new NotThisFile();
      return await decrypt(description, room);
    } finally {
      verifier.free();
      digest.free();
      await room.close();
    }
  }

  private async receiveChunk(chunk: Chunk, room: Uint8Array, progress: (part: number) => void): Promise<Uint8Array> {
    let failure: unknown;
    for (const replica of chunk.replicas) {
      try {
        return await this.receiveReplica(chunk, replica, room, progress);
      } catch (cause) {
        failure = cause;
      }
    }
    throw failure;
  }

  private async receiveReplica(chunk: Chunk, replica: Replica, room: Uint8Array, progress: (part: number) => void): Promise<Uint8Array> {
    const key = new AgreementKey();
    const connection = this.connectionTo(replica.server);
    const { answer, body } = await connection.receive(replica.id, getCommand(key.spki), signingKeyFromPkcs8(replica.key), room.subarray(0, blockSize + chunk.size + tagLength), (received) => progress(Math.min(received, chunk.size)));
    if (answer.kind !== "file") throw downloadRefusal(answer.kind === "error" ? answer.error : "");
    if (body.length !== chunk.size + tagLength) throw new NotThisFile();
    openDownload(key.agreeWith(answer.key), answer.nonce, body);
    const bytes = body.subarray(0, chunk.size);
    if (!areEqual(sha256(bytes), chunk.digest)) throw new NotThisFile();
    return bytes;
  }

  private connectionTo(address: string): ServerConnection {
    let connection = this.connections.get(address);
    if (connection === undefined) this.connections.set(address, connection = this.connect(parseServer(address)));
    return connection;
  }
}

// download = encrypted(chunk) tag
/** Takes off the encryption of one download, in place. */
export function openDownload(secret: Uint8Array, nonce: Uint8Array, body: Uint8Array): void {
  const box = new BoxStream(secret, nonce, pieceLength);
  try {
    const end = body.length - tagLength;
    for (let i = 0; i < end; i += pieceLength) {
      const length = Math.min(pieceLength, end - i);
      box.room(length).set(body.subarray(i, i + length));
      box.decrypt(length);
      body.set(box.room(length), i);
    }
    if (!box.isTag(body.subarray(end))) throw new NotThisFile();
  } finally {
    box.free();
  }
}

async function decrypt(description: FileDescription, waiting: WaitingRoom): Promise<ReceivedFile> {
  const decryptor = new FileDecryptor(description.file, description.size);
  try {
    const piece = new Uint8Array(pieceLength);
    const room = new Uint8Array(blobLength + pieceLength);
    const blobs: Blob[] = [];
    let length = 0;
    for (let i = 0; i < description.size; i += pieceLength) {
      const encrypted = piece.subarray(0, Math.min(pieceLength, description.size - i));
      await waiting.read(i, encrypted);
      const content = decryptor.decrypt(encrypted);
      room.set(content, length);
      length += content.length;
      if (length >= blobLength || i + pieceLength >= description.size) {
        blobs.push(new Blob([room.subarray(0, length)]));
        length = 0;
      }
    }
    return { name: decryptor.name, content: new Blob(blobs, { type: "application/octet-stream" }) };
  } finally {
    decryptor.free();
  }
}

function check(description: FileDescription): void {
  if (description.size > maxEncryptedSize) throw new TransferFailure("errorTooLargeToReceive", true);
  if (description.chunks.length === 0 || description.chunks.some((chunk) => !(chunkSizes as readonly number[]).includes(chunk.size))) throw new Malformed("its chunks have sizes that are none");
}
