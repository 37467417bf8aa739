// The page: what is shown when. It knows nothing of protocol and keys; a worker does the transfers.
import type { FromWorker, ToWorker } from "./messages";
import { decodeFragment } from "./protocol/links";
import { parseServer } from "./protocol/servers";
import { readSettings } from "./settings";
import { maxEncryptedSize, maxFileSize } from "./transfer/limits";
import { announce, element, fillTexts, readableSize, show } from "./view/elements";
import { safeFileName } from "./view/fileName";
import { drawQrCode } from "./view/qrCode";
import { Rate } from "./view/rate";
import { text, type TextKey } from "./view/texts";

/** How long a worker has to take back what a cancelled transfer has sent, in milliseconds. */
const cancelTime = 15_000;

const settings = readSettings();
let worker: Worker | null = null;
let rate = new Rate();
let chosen: File | null = null;
let savedAt: string | null = null;

function start(): void {
  fillTexts();
  element("trust").textContent = text("trust", { host: location.host });
  element("kept").textContent = settings.keptHours === null ? text("keptForever") : text("keptHours", { hours: String(settings.keptHours) });
  element("password-field").hidden = !settings.isPasswordNeeded;
  element("closed").hidden = settings.areNewFilesTaken;
  element("sender").hidden = !settings.areNewFilesTaken;
  element("form").addEventListener("submit", (event) => event.preventDefault());
  element<HTMLInputElement>("file").addEventListener("change", (event) => choose((event.target as HTMLInputElement).files));
  listenToDrops();
  element("download").addEventListener("click", download);
  element("cancel").addEventListener("click", cancel);
  element("copy").addEventListener("click", () => void copy());
  element("share").addEventListener("click", () => void share());
  element("delete").addEventListener("click", deleteSent);
  element("another").addEventListener("click", offerToSend);
  element("own").addEventListener("click", offerToSend);
  element("over").addEventListener("click", open);
  element("again").addEventListener("click", () => (chosen === null ? download() : send(chosen)));
  addEventListener("hashchange", open);
  addEventListener("beforeunload", (event) => {
    if (worker !== null && !element("transfer").hidden) event.preventDefault();
  });
  open();
}

/** Shows what the address asks for: to receive the file of a link, or to send one. */
function open(): void {
  endWorker();
  chosen = null;
  const fragment = location.hash.slice(1);
  element("again").hidden = true;
  if (fragment === "") {
    setTitle("titleSend");
    show("choose", null);
    return;
  }
  setTitle("titleReceive");
  try {
    const description = decodeFragment(fragment);
    const size = description.redirect?.size ?? description.size;
    if (size > maxEncryptedSize) return fail("errorTooLargeToReceive", "", true);
    element("about").textContent = text("receiveAbout", { size: readableSize(size) });
    const hosts = new Set(description.chunks.flatMap((chunk) => chunk.replicas.map((replica) => parseServer(replica.server).hosts[0]!)));
    element("from").textContent = text("receiveFrom", { hosts: [...hosts].join(", ") });
    show("offer", null);
  } catch {
    // Whatever is wrong with a link, its reader can only get it again.
    fail("errorBadLink", "", true);
  }
}

/** Begins anew; the link of what was received goes out of the address, and with it its key. */
function offerToSend(): void {
  history.replaceState(null, "", location.pathname);
  open();
  element("file").focus();
}

function listenToDrops(): void {
  const drop = element("drop");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.toggle("over", !element("choose").hidden);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (element("choose").hidden || !settings.areNewFilesTaken) return;
    const isFolder = [...(event.dataTransfer?.items ?? [])].some((item) => item.webkitGetAsEntry()?.isDirectory === true);
    if (isFolder) fail("errorFolder", "", true);
    else choose(event.dataTransfer?.files ?? null);
  });
}

function choose(files: FileList | null): void {
  if (files === null || files.length === 0) return;
  if (files.length > 1) return fail("errorFolder", "", true);
  send(files[0]!);
}

function send(file: File): void {
  chosen = file;
  element<HTMLInputElement>("file").value = "";
  if (file.size > maxFileSize) return fail("errorTooLargeToSend", "", true);
  if (file.size === 0) return fail("errorEmpty", "", true);
  const password = element<HTMLInputElement>("password").value;
  begin(text("sending", { name: safeFileName(file.name) }));
  ask({ kind: "upload", file, server: settings.server, password: settings.isPasswordNeeded && password !== "" ? password : null, pageHost: location.hostname });
}

function download(): void {
  begin(text("receiving"));
  ask({ kind: "download", fragment: location.hash.slice(1), pageHost: location.hostname });
}

function begin(doing: string): void {
  endWorker();
  rate = new Rate();
  element("doing").textContent = doing;
  element("rate").textContent = "";
  element<HTMLProgressElement>("bar").value = 0;
  element<HTMLButtonElement>("cancel").disabled = false;
  element("cancel").textContent = text("cancel");
  announce(doing);
  show("transfer", "cancel");
  const made = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  made.onmessage = (event: MessageEvent<FromWorker>) => hear(event.data);
  made.onerror = (event) => {
    event.preventDefault();
    fail("errorUnexpected", event.message ?? "", false);
  };
  worker = made;
}

function hear(message: FromWorker): void {
  switch (message.kind) {
    case "progress":
      showProgress(message.done, message.total);
      break;
    case "uploaded":
      showSent(message.fragment);
      break;
    case "downloaded":
      endWorker();
      save(message.name, message.content);
      break;
    case "deleted":
      endWorker();
      end(text("deleted"));
      element("again").hidden = true;
      break;
    case "failed":
      fail(message.text, message.detail, message.isFinal);
      break;
    case "ended":
      endWorker();
      break;
  }
}

function showProgress(done: number, total: number): void {
  rate.add(performance.now(), done);
  element<HTMLProgressElement>("bar").value = done / total;
  const values = { done: readableSize(done), total: readableSize(total) };
  const perSecond = rate.perSecond;
  if (perSecond === null) {
    element("rate").textContent = text("progressStart", values);
    return;
  }
  const seconds = Math.ceil((total - done) / perSecond);
  const left = seconds < 120 ? text("leftSeconds", { count: String(seconds) }) : text("leftMinutes", { count: String(Math.ceil(seconds / 60)) });
  element("rate").textContent = text("progress", { ...values, rate: readableSize(perSecond), left });
}

function showSent(fragment: string): void {
  const link = `${location.origin}/file/#${fragment}`;
  element<HTMLInputElement>("link").value = link;
  element("qr").replaceChildren(drawQrCode(link, text("qrCode")));
  element("share").hidden = typeof navigator.share !== "function";
  element("copied").textContent = "";
  element("delete").textContent = text("delete");
  delete element("delete").dataset["sure"];
  element<HTMLButtonElement>("delete").disabled = false;
  show("sent", "copy");
  announce(text("sent"));
}

async function copy(): Promise<void> {
  const link = element<HTMLInputElement>("link");
  try {
    await navigator.clipboard.writeText(link.value);
    element("copied").textContent = text("copied");
  } catch {
    link.focus();
    link.select();
    element("copied").textContent = text("copyFailed");
  }
}

async function share(): Promise<void> {
  try {
    await navigator.share({ url: element<HTMLInputElement>("link").value });
  } catch (cause) {
    // Who closes the list of programs has changed their mind.
    if (!(cause instanceof DOMException && cause.name === "AbortError")) await copy();
  }
}

function deleteSent(): void {
  const button = element<HTMLButtonElement>("delete");
  if (button.dataset["sure"] === undefined) {
    button.dataset["sure"] = "asked";
    button.textContent = text("deleteConfirm");
    announce(text("deleteConfirm"));
    return;
  }
  button.disabled = true;
  button.textContent = text("deleting");
  ask({ kind: "delete" });
}

function save(name: string, content: Blob): void {
  const fileName = safeFileName(name);
  savedAt = URL.createObjectURL(content);
  const link = element<HTMLAnchorElement>("save");
  link.href = savedAt;
  link.download = fileName;
  link.click();
  element("saved").textContent = text("received", { name: fileName });
  show("received", "save");
  announce(text("received", { name: fileName }));
}

function cancel(): void {
  const button = element<HTMLButtonElement>("cancel");
  button.disabled = true;
  button.textContent = text("cancelling");
  ask({ kind: "cancel" });
  const cancelled = worker;
  setTimeout(() => {
    if (worker !== cancelled) return;
    endWorker();
    open();
  }, cancelTime);
}

function fail(key: TextKey, detail: string, isFinal: boolean): void {
  // A worker that sends takes back what it has sent; it ends by itself.
  if (key === "errorCancelled") {
    end(text(key));
    element("again").hidden = false;
    return;
  }
  end(text(key, { detail }), true);
  element("again").hidden = isFinal;
}

function end(reason: string, isAlarm = false): void {
  element("reason").textContent = reason;
  show("ended", "over");
  announce(reason, isAlarm);
}

function ask(message: ToWorker): void {
  worker?.postMessage(message);
}

function endWorker(): void {
  worker?.terminate();
  worker = null;
  if (savedAt !== null) URL.revokeObjectURL(savedAt);
  savedAt = null;
}

function setTitle(key: TextKey): void {
  document.title = text(key);
  document.querySelector("h1")!.textContent = text(key);
}

start();
