import { randomBytes, type SigningKey } from "../crypto/keys";
import { challengeLength, encodeHandshake, encodeHello, openServerHello, type ServerHello, WrongServer } from "../protocol/handshake";
import { originOf, type ServerAddress } from "../protocol/servers";
import { blockSize, decodeAnswer, encodeTransmission, handshakeError, unpad, type Answer } from "../protocol/transmissions";
import { Malformed } from "../wire/bytes";
import { TransferFailure } from "./failure";
import { ask, NotReached, send, type BytesMoved } from "./request";

const attempts = 5;
const firstPause = 500;

/** What a command was answered with, and the body behind it, which is in the memory that was given for it. */
export interface Result {
  readonly answer: Answer;
  readonly body: Uint8Array;
}

/**
 * A server, spoken to with one command at a time. The session belongs to the browser's connection: when that was replaced,
 * the server says so, and both meet anew. After broken connections commands are sent again; refusals are answers.
 */
export class ServerConnection {
  private readonly url: string;
  private session: ServerHello | null = null;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly server: ServerAddress, pageHost: string, private readonly signal: AbortSignal) {
    this.url = originOf(server, pageHost) + "/";
  }

  /** Sends a command without a body. */
  run(entity: Uint8Array, command: Uint8Array, key: SigningKey): Promise<Result> {
    return this.receive(entity, command, key, new Uint8Array(blockSize), null);
  }

  /** Sends a command that a body comes back for; the room has a block's bytes more than the body. */
  receive(entity: Uint8Array, command: Uint8Array, key: SigningKey, room: Uint8Array, received: BytesMoved | null): Promise<Result> {
    return this.queued((session) => {
      const block = encodeTransmission(session.sessionId, entity, command, key);
      return ask(this.url, {}, block, room, this.signal, received && ((count) => received(Math.max(0, count - blockSize))));
    });
  }

  /** Sends a command with a body, before which there is a block's room in the memory. */
  put(entity: Uint8Array, command: Uint8Array, key: SigningKey, roomAndBody: Uint8Array, sent: BytesMoved): Promise<Result> {
    return this.queued((session) => {
      roomAndBody.set(encodeTransmission(session.sessionId, entity, command, key));
      return send(this.url, roomAndBody, this.signal, (count) => sent(Math.max(0, count - blockSize)));
    });
  }

  private queued(request: (session: ServerHello) => Promise<Uint8Array>): Promise<Result> {
    const result = this.queue.then(() => this.tryOften(request));
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async tryOften(request: (session: ServerHello) => Promise<Uint8Array>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        const session = this.session ?? await this.meet();
        const response = await request(session);
        const answer = decodeAnswer(response.subarray(0, blockSize), session.sessionId);
        if (answer.kind === "error" && (answer.error === "SESSION" || answer.error === "HANDSHAKE")) throw new NotReached();
        return { answer, body: response.subarray(blockSize) };
      } catch (cause) {
        this.session = null;
        if (cause instanceof WrongServer) throw new TransferFailure("errorWrongServer", false, cause.message);
        if (!(cause instanceof NotReached || cause instanceof Malformed)) throw cause;
        if (attempt === attempts) throw new TransferFailure("errorNotReached", false, new URL(this.url).host);
        await this.pause(firstPause * 2 ** (attempt - 1) * (0.5 + Math.random()));
      }
    }
  }

  private async meet(): Promise<ServerHello> {
    const challenge = randomBytes(challengeLength);
    const room = new Uint8Array(blockSize);
    const session = openServerHello(await ask(this.url, { "xftp-web-hello": "1" }, encodeHello(challenge), room, this.signal, null), challenge, this.server.keyHash);
    const agreed = await ask(this.url, { "xftp-handshake": "1" }, encodeHandshake(session.version, this.server.keyHash), room, this.signal, null);
    if (agreed.length > 0) throw new WrongServer(`The server refused the connection (${handshakeError(unpad(agreed)) ?? "unknown answer"}).`);
    this.session = session;
    return session;
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        clearTimeout(timer);
        reject(new TransferFailure("errorCancelled", false));
      };
      const timer = setTimeout(() => {
        this.signal.removeEventListener("abort", cancel);
        resolve();
      }, milliseconds);
      this.signal.addEventListener("abort", cancel, { once: true });
    });
  }
}
