// The link is this page's own address: what is behind "#" stays in the browser. It is shown as a QR code, as text,
// and as the address that opens the app.
"use strict";

/** The https form of the link and the form that the app registers. Short links carry their relay's host to the app. */
function linksOf(location) {
  const parts = location.pathname.split("/").filter((part) => part !== "");
  const kind = parts.length === 0 ? "" : parts[parts.length - 1];
  const shown = "https://" + location.host + "/" + kind + location.hash;
  let hash = location.hash;
  if (kind.length === 1) {
    const host = location.hostname;
    const known = /([?&])h=([^&]+)/;
    if (!hash.includes("?")) hash += "?h=" + host;
    else if (known.test(hash)) hash = hash.replace(known, (_, separator, hosts) => separator + "h=" + host + "," + hosts);
    else hash += "&h=" + host;
  }
  return { shown, app: "simplex:/" + kind + hash };
}

/** Draws a QR code as SVG: one path for all dark modules. */
function drawQrCode(element, text) {
  const code = qrcode(0, "L");
  code.addData(text, "Byte");
  code.make();
  const count = code.getModuleCount();
  let path = "";
  for (let row = 0; row < count; row++)
    for (let column = 0; column < count; column++)
      if (code.isDark(row, column)) path += "M" + column + " " + row + "h1v1h-1z";
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 " + count + " " + count);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "QR code of this link");
  svg.setAttribute("shape-rendering", "crispEdges");
  const dark = document.createElementNS(space, "path");
  dark.setAttribute("d", path);
  dark.setAttribute("fill", "#000");
  svg.appendChild(dark);
  element.replaceChildren(svg);
}

function show() {
  const hasLink = location.hash.length > 1;
  document.getElementById("link").hidden = !hasLink;
  document.getElementById("nothing").hidden = hasLink;
  if (!hasLink) return;
  const links = linksOf(location);
  document.getElementById("open").href = links.app;
  document.getElementById("command").textContent = "/connect " + links.shown;
  const qr = document.getElementById("qr");
  try {
    drawQrCode(qr, links.shown);
  } catch {
    qr.textContent = "This link is too long for a QR code.";
  }
}

// Browsers lend the clipboard to secure pages only.
const copy = document.getElementById("copy");
copy.hidden = navigator.clipboard === undefined;
copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(linksOf(location).shown);
  copy.textContent = "Copied";
});
window.addEventListener("hashchange", show);
show();
