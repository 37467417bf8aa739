// Drives a browser for tests: one JSON object a line comes in ({id, op, …}), one a line goes out ({id, value} or {id, error}).
// It keeps what pages did that they may not do: violations of their policy, requests, messages on the console.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

// An end for what never happens, so long that no busy machine needs it.
const patience = 240_000;

const [executablePath] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, timeout: patience, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
const contexts = new Map();
const pages = new Map();
let count = 0;

const operations = {
  /** A browser of its own, as a private window. */
  async context({ options = {} }) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, acceptDownloads: true, locale: "en-GB", ...options });
    context.setDefaultTimeout(patience);
    const number = ++count;
    const report = { violations: [], requests: [], errors: [] };
    const reading = [];
    context.on("console", (message) => {
      if (message.type() === "error") report.errors.push(message.text());
      if (/Content Security Policy|Refused to/i.test(message.text())) report.violations.push(message.text());
    });
    context.on("weberror", (error) => report.errors.push(String(error.error())));
    // Those that were really sent; a page does not know of all.
    context.on("requestfinished", (request) => {
      reading.push(request.allHeaders().then((headers) => report.requests.push({ method: request.method(), url: request.url(), headers })));
    });
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    contexts.set(number, { context, report, reading });
    return number;
  },
  async page({ context, url }) {
    const number = ++count;
    const page = await contexts.get(context).context.newPage();
    pages.set(number, page);
    if (url) await page.goto(url);
    return number;
  },
  async go({ page, url }) {
    await pages.get(page).goto(url);
  },
  async choose({ page, selector, files }) {
    await pages.get(page).setInputFiles(selector, files);
  },
  /** Drops a file with the given content, as from a file manager. */
  async drop({ page, selector, name, content }) {
    const transfer = await pages.get(page).evaluateHandle(
      ([fileName, text]) => {
        const data = new DataTransfer();
        data.items.add(new File([text], fileName));
        return data;
      },
      [name, content]);
    await pages.get(page).dispatchEvent(selector, "dragover", { dataTransfer: transfer });
    await pages.get(page).dispatchEvent(selector, "drop", { dataTransfer: transfer });
  },
  async click({ page, selector }) {
    await pages.get(page).click(selector);
  },
  async press({ page, key }) {
    await pages.get(page).keyboard.press(key);
  },
  async type({ page, selector, text }) {
    await pages.get(page).fill(selector, text);
  },
  /** Waits until one of the elements is shown; its id. */
  async shown({ page, selectors, milliseconds = patience }) {
    const visible = selectors.split(",").map((selector) => `${selector.trim()}:visible`).join(", ");
    const element = await pages.get(page).waitForSelector(visible, { timeout: milliseconds });
    return element.getAttribute("id");
  },
  async text({ page, selector }) {
    return pages.get(page).innerText(selector);
  },
  async value({ page, selector }) {
    return pages.get(page).inputValue(selector);
  },
  async evaluate({ page, script }) {
    return pages.get(page).evaluate(script);
  },
  /** Clicks and keeps what is then downloaded; its name. */
  async save({ page, selector, path, milliseconds = patience }) {
    const downloading = pages.get(page).waitForEvent("download", { timeout: milliseconds });
    const ended = pages.get(page).waitForSelector("#ended", { state: "visible", timeout: milliseconds }).then(async () => {
      throw new Error(await pages.get(page).innerText("#reason"));
    });
    // Whichever of both does not happen ends when the page does.
    downloading.catch(() => undefined);
    ended.catch(() => undefined);
    await pages.get(page).click(selector);
    const download = await Promise.race([downloading, ended]);
    await download.saveAs(path);
    return download.suggestedFilename();
  },
  /** Presses a key that opens the browser's dialogue for files, and chooses there. */
  async chooseByKey({ page, key, files }) {
    const dialogue = pages.get(page).waitForEvent("filechooser", { timeout: patience });
    // The browser is told of the one who waits before it is told of the key.
    await pages.get(page).evaluate("0");
    await pages.get(page).keyboard.press(key);
    await (await dialogue).setFiles(files);
  },
  async cookies({ context }) {
    return (await contexts.get(context).context.cookies()).length;
  },
  /** What a context's pages did so far. */
  async report({ context }) {
    const { report, reading } = contexts.get(context);
    await Promise.all(reading);
    return report;
  },
  async screenshot({ page, path }) {
    await pages.get(page).screenshot({ path, fullPage: true });
  },
  async closeContext({ context }) {
    await contexts.get(context).context.close();
    contexts.delete(context);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  operations[request.op](request)
    .then((value) => ({ id: request.id, value: value ?? null }), (cause) => ({ id: request.id, error: String(cause?.message ?? cause).split("\n")[0] }))
    .then((answer) => process.stdout.write(JSON.stringify(answer) + "\n"));
}
await browser.close();
