// Builds the page: node build.mjs [FOLDER], or with --tests what "npm test" runs.
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.dirname(fileURLToPath(import.meta.url));
const [folder = "dist"] = process.argv.slice(2);
const common = { absWorkingDir: root, bundle: true, format: "esm", target: "es2022", legalComments: "none", logLevel: "warning" };

if (folder === "--tests") {
  const tests = (await readdir(path.join(root, "tests"))).filter((name) => name.endsWith(".test.ts"));
  await rm(path.join(root, ".tests"), { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: tests.map((name) => `tests/${name}`),
    platform: "node",
    outdir: ".tests",
    outExtension: { ".js": ".mjs" },
    // A shared copy: libsodium is loaded once.
    splitting: true,
  });
} else {
  const output = path.resolve(folder);
  await rm(output, { recursive: true, force: true });
  await mkdir(output, { recursive: true });
  await build({
    ...common,
    entryPoints: ["src/page.ts", "src/worker.ts", "src/forward.ts"],
    platform: "browser",
    minify: true,
    outdir: output,
    external: ["module", "fs", "path", "crypto", "url"],
  });
  await cp(path.join(root, "page"), output, { recursive: true });
  // The pages of connection links use the library as it is.
  await cp(path.join(root, "node_modules/qrcode-generator/dist/qrcode.js"), path.join(output, "qrcode.js"));
  await writeFile(path.join(output, "licences.txt"), await licences());
}

/** Names and licences of all that is built in. */
async function licences() {
  const { packages } = JSON.parse(await readFile(path.join(root, "package-lock.json"), "utf8"));
  const texts = [];
  for (const [place, { version, dev, optional, license }] of Object.entries(packages)) {
    if (place === "" || dev || optional || place.endsWith("/esbuild")) continue;
    const files = (await readdir(path.join(root, place))).filter((name) => /^licen[cs]e/i.test(name));
    const full = await Promise.all(files.map((name) => readFile(path.join(root, place, name), "utf8")));
    texts.push(`${place.replace("node_modules/", "")} ${version} (${license})\n\n${full.join("\n").trim()}\n`);
  }
  return texts.join("\n----------------------------------------------------------------\n\n");
}
