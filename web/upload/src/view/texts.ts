// All that the page says. Other languages are beside this one; what one of them lacks is said in English.
import { de } from "./texts.de";
import { es } from "./texts.es";
import { fr } from "./texts.fr";

export const en = {
  title: "Encrypted file transfer",
  titleSend: "Send a file",
  titleReceive: "Receive a file",
  chooseDrop: "Drop a file here, or",
  chooseButton: "choose a file",
  chooseLimit: "At most 100 MB.",
  keptHours: "The file is kept for {hours} hours, then the server removes it.",
  keptForever: "The file is kept until the server's operator removes it.",
  password: "This server asks for a password to send files.",
  passwordLabel: "Password",
  closed: "This server takes no new files any more. Links to files that it still has keep working.",
  promise: "The file is encrypted in your browser before it leaves it. The key is in the link, behind the “#”, which browsers send to no server: whoever has the link can read the file, nobody else can.",
  trust: "The page itself comes from {host}: who changes it there could read along. Programs that you install do not have this weakness.",
  receiveAbout: "A file of {size}, encrypted.",
  receiveButton: "Download",
  receiveFrom: "It is kept on {hosts}.",
  sending: "Encrypting and sending “{name}”…",
  receiving: "Receiving and decrypting…",
  progress: "{done} of {total} · {rate} a second · {left}",
  progressStart: "{done} of {total}",
  leftSeconds: "{count} s left",
  leftMinutes: "{count} min left",
  cancel: "Cancel",
  cancelling: "Cancelling…",
  sent: "Sent. Pass this link on to those who shall have the file:",
  linkLabel: "Link to the file",
  copy: "Copy link",
  copied: "Copied.",
  copyFailed: "Copying is not allowed here: select the link and copy it yourself.",
  share: "Share…",
  qrCode: "QR code of the link",
  delete: "Delete the file from the server",
  deleteConfirm: "Delete it now? The link will not work any more.",
  deleting: "Deleting…",
  deleted: "The file was deleted from the server. The link does not work any more.",
  leaveNote: "Only this page can delete the file before its time, as long as it stays open.",
  sendAnother: "Send another file",
  received: "“{name}” is saved with your downloads.",
  saveAgain: "Save it again",
  sendOwn: "Send a file of your own",
  tryAgain: "Try again",
  startOver: "Start over",
  licences: "Licences of what this page uses",
  failed: "That did not work.",
  errorTooLargeToSend: "The file is too large for this page, which sends at most 100 MB: larger ones can be sent with the app or the command xftp.",
  errorTooLargeToReceive: "The file is too large for this page, which receives at most 100 MB: open the link with the app or the command xftp.",
  errorGone: "The file is not on the server any more: it has expired or was deleted.",
  errorBlocked: "The server's operator has blocked this file.",
  errorTampered: "The file was changed on its way or on the server, so it was thrown away: ask for it to be sent again.",
  errorBadLink: "The link is not complete or has a mistake in it: copy all of it, up to its end.",
  errorNotAllowed: "The server refused the file: it asks for a password, for another one, or takes no new files.",
  errorQuota: "The server has no room left: try again later, or on another server.",
  errorDamagedUpload: "A part of the file was damaged on its way to the server: try again.",
  errorServer: "The server answered with an error ({detail}): try again later.",
  errorWrongServer: "This is not the server that the address promises, so nothing was sent or received.",
  errorNotReached: "The server {detail} cannot be reached: check your connection and try again.",
  errorUnreadable: "The file cannot be read, or was changed while it was sent: choose it again.",
  errorNoSpace: "Your browser has no room left for the file: free some space and try again.",
  errorCancelled: "Cancelled.",
  errorFolder: "This is a folder or more than one file: put what you want to send into one archive.",
  errorEmpty: "The file is empty.",
  errorUnexpected: "Something unexpected happened ({detail}): reload the page and try again.",
} as const;

export type TextKey = keyof typeof en;
export type Texts = Partial<Record<TextKey, string>>;

const languages: Record<string, Texts> = { en, de, es, fr };

/** The first of the reader's languages that the page has. */
export const language = navigator.languages.map((tag) => tag.split("-")[0]!.toLowerCase()).find((tag) => tag in languages) ?? "en";

/** A text with its values; a value is text, never markup. */
export function text(key: TextKey, values: Record<string, string> = {}): string {
  return (languages[language]![key] ?? en[key]).replace(/\{([a-z]+)\}/g, (whole, name: string) => values[name] ?? whole);
}
